#include "fhir/model/constraints.hpp"

#include <algorithm>

#include "fhir/model/tables.hpp"

namespace dsf::fhir {

std::span<const constrained> all_constraints() { return tables::constraints; }

std::span<const constraint_info> constraints_at(std::string_view path) {
  const auto all = tables::constraints;
  const auto it = std::ranges::lower_bound(all, path, {}, &constrained::path);
  return it != all.end() && it->path == path ? it->constraints : std::span<const constraint_info>{};
}

}  // namespace dsf::fhir
