#include "fhir/path/errc.hpp"

#include <array>

namespace dsf::fhir::path {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 7> table{{
      {"syntax", error_kind::invalid},
      {"unknown_name", error_kind::invalid},
      {"type", error_kind::invalid},
      {"cardinality", error_kind::invalid},
      {"limit", error_kind::too_large},
      {"unsupported", error_kind::unsupported},
      {"failed", error_kind::invalid},
  }};
  static constexpr base::error_domain domain{"fhirpath", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::fhir::path
