#include "fhir/errc.hpp"

#include <array>

namespace dsf::fhir {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 4> table{{
      {"not_json", error_kind::invalid},
      {"not_xml", error_kind::invalid},
      {"invalid_resource", error_kind::invalid},
      {"limit", error_kind::too_large},
  }};
  static constexpr base::error_domain domain{"fhir", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::fhir
