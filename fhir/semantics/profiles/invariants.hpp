// Invariants of profiles (ElementDefinition.constraint): the one place where FHIRPath meets the profiles.
#pragma once

#include <memory>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir::path {
class expression;
}

namespace dsf::fhir {

// Where an invariant is looked at.
struct invariant_place {
  const base::json& resource;            // %resource
  const base::json* value = nullptr;     // the element; null for a primitive that has extensions only
  const base::json* sibling = nullptr;   // `_name` beside a primitive
  const type_info* type = nullptr;       // of the element; may be null
};

struct invariant {
  std::string key;
  std::string human;
  std::string expression;
  bool error = true;                     // else a warning
  std::shared_ptr<const path::expression> compiled;
  std::string fault;                     // why there is none
  bool (*native)(const invariant_place&) = nullptr;
};

// From one `constraint`.
invariant make_invariant(const base::json& constraint);
// Whether it holds; true where there is no expression.
base::result<bool> holds(const invariant& rule, const invariant_place& place);

}  // namespace dsf::fhir
