#include "fhir/semantics/operation_outcome.hpp"

#include <algorithm>

namespace dsf::fhir {

base::json operation_outcome(const std::vector<issue>& issues) {
  base::json::array list;
  for (const auto& i : issues) {
    base::json one;
    one.set("severity", i.severity);
    one.set("code", i.code);
    one.set("diagnostics", i.text);
    if (!i.expression.empty()) one.set("location", base::json::array{base::json(i.expression)});
    list.push_back(std::move(one));
  }
  base::json out;
  out.set("resourceType", "OperationOutcome");
  out.set("issue", std::move(list));
  return out;
}

base::json operation_outcome(std::string_view severity, std::string_view code, std::string diagnostics) {
  return operation_outcome({issue{std::string(severity), std::string(code), {}, std::move(diagnostics)}});
}

bool has_errors(const std::vector<issue>& issues) {
  return std::ranges::any_of(issues, [](const issue& i) { return i.severity == "error" || i.severity == "fatal"; });
}

}  // namespace dsf::fhir
