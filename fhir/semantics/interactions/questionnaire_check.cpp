#include "fhir/semantics/interactions/questionnaire_check.hpp"

#include "fhir/semantics/element.hpp"
#include "fhir/semantics/questionnaires/answers.hpp"
#include "fhir/semantics/search/index.hpp"

namespace dsf::fhir {

op_result<std::vector<issue>> questionnaire_issues(const op_scope& scope, const base::json& resource) {
  const auto& canonical = resource["questionnaire"].str();
  if (resource["resourceType"].str() != "QuestionnaireResponse" || canonical.empty()) return std::vector<issue>{};
  const auto [url, version] = split_canonical(canonical);
  const auto from = index_value::uri(url, version);
  const auto ids = OP_TRY(scope.view.ids_in("Questionnaire", "url", from, version.empty() ? prefix_end(from) : from + '\0', 2));
  // Which one is meant by several is decided with the references: none.
  if (ids.size() != 1) return std::vector<issue>{};
  const auto stored = OP_TRY(scope.view.current("Questionnaire", ids[0]));
  if (!stored || !stored->bytes) return std::vector<issue>{};
  const auto questionnaire = OP_TRY(base::json::parse(*stored->bytes));
  return check_answers(resource, questionnaire, [&](std::string_view value_set) { return scope.conformance.value_set(value_set); });
}

}  // namespace dsf::fhir
