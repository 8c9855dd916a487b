// The invariants of R4 (ElementDefinition.constraint) as tables; compiled at build time from the R4 definitions (generate.py).
#pragma once

#include <span>
#include <string_view>

namespace dsf::fhir {

struct constraint_info {
  std::string_view key;         // "per-1"
  bool error = false;           // severity error, not warning
  std::string_view human;       // the rule in words
  std::string_view expression;  // FHIRPath
};

struct constrained {
  std::string_view path;  // "Period", "Task.restriction", or an element with rules beyond those of its type: "Organization.telecom"
  std::span<const constraint_info> constraints;
};

// Each rule stands once: those of a type are not repeated where the type is used. Sorted by path.
std::span<const constrained> all_constraints();
// Empty for a path without rules of its own.
std::span<const constraint_info> constraints_at(std::string_view path);

}  // namespace dsf::fhir
