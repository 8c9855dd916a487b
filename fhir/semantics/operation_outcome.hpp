// OperationOutcome resources; the texts are those that DSF clients know (dsf-fhir-server 3.4).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/issue.hpp"

namespace dsf::fhir {

base::json operation_outcome(const std::vector<issue>& issues);
base::json operation_outcome(std::string_view severity, std::string_view code, std::string diagnostics);
bool has_errors(const std::vector<issue>& issues);

}  // namespace dsf::fhir
