// A QuestionnaireResponse against its Questionnaire (dsf-fhir-server 4.5; R4 questionnaireresponse.html).
#pragma once

#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/json.hpp"
#include "fhir/issue.hpp"

namespace dsf::fhir {

// Codes of a value set as "system|code"; null: not known here, so it binds nothing.
using value_set_codes = std::function<const std::unordered_set<std::string>*(std::string_view canonical)>;

// linkIds and their order and nesting; types, number, length and options of answers; and, once the response is completed or amended, that
// each required item has an answer. Items with enableWhen are never demanded. Texts of items may differ, as the reference lets them.
std::vector<issue> check_answers(const base::json& response, const base::json& questionnaire, const value_set_codes& codes);

}  // namespace dsf::fhir
