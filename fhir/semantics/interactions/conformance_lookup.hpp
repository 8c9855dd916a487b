// Conformance resources of one request, by canonical. Private to the interactions.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "fhir/semantics/interactions/operations.hpp"
#include "fhir/semantics/profiles/canonicals.hpp"

namespace dsf::fhir {

// Those that are stored, not retired and may be read by who asks; else those that the endpoint brings along.
class conformance_lookup {
public:
  explicit conformance_lookup(const op_scope& scope) : scope_(scope) {}

  // Without version the newest; null: not here. The pointer stays valid as long as the lookup.
  base::result<const base::json*> find(std::string_view type, std::string_view canonical);

private:
  struct kind {
    canonical_map known;
    std::set<std::string, std::less<>> asked;  // urls
  };
  const op_scope& scope_;
  std::map<std::string, kind, std::less<>> kinds_;
};

}  // namespace dsf::fhir
