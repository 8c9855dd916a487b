#include "privacy/error.hpp"

#include <array>

namespace dsf::privacy {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 8> table{{
      {"query", error_kind::invalid},
      {"mapping", error_kind::invalid},
      {"not_mapped", error_kind::invalid},
      {"unsupported", error_kind::unsupported},
      {"resource", error_kind::invalid},
      {"limit", error_kind::too_large},
      {"corrupt", error_kind::corrupt},
      {"argument", error_kind::invalid},
  }};
  static constexpr base::error_domain domain{"privacy", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::privacy
