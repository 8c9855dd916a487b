// Answering what a process asks: from a QuestionnaireResponse and its Questionnaire to a form, and back (dsf-fhir-server 7).
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "web/task_form.hpp"

namespace dsf::web {

page answer_form_page(const visitor& who, const base::json& response, const base::json& questionnaire, const form_seal& seal,
                      const task_form_state& state);
// The whole resource, completed; nothing: `wrong` says why.
std::optional<base::json> answer_of_form(const visitor& who, const base::json& response, const base::json& questionnaire,
                                         const form_values& sent, const sender& from, const std::string& now, problems& wrong);

}  // namespace dsf::web
