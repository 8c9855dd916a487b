// The Questionnaire of a response, from the server. Private to the interactions.
#pragma once

#include "fhir/semantics/interactions/operations.hpp"

namespace dsf::fhir {

// What is wrong with a QuestionnaireResponse by its Questionnaire, if that is on the server; nothing for any other resource.
op_result<std::vector<issue>> questionnaire_issues(const op_scope& scope, const base::json& resource);

}  // namespace dsf::fhir
