// The invariants of R4 itself: every rule of severity error on every element of a resource. R4 conformance-rules.html, "Constraints"
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/issue.hpp"

namespace dsf::fhir {

// At most `limit` faults, each with the path of its element, the rule's key and its text. Warnings are left out. A rule that
// takes more than two million steps refuses the resource as too costly.
std::vector<issue> check_invariants(const base::json& resource, std::size_t limit = 50);

// Why a rule of the definitions is not evaluated here; empty if it is.
std::string_view left_out(std::string_view key);

}  // namespace dsf::fhir
