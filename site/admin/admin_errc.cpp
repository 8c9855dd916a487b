#include <array>

#include "site/admin/admin_port.hpp"

namespace dsf::site {

const base::error_domain& domain_of(admin_errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 14> table{{
      {"invalid", error_kind::invalid},
      {"not_found", error_kind::not_found},
      {"forbidden", error_kind::forbidden},
      {"conflict", error_kind::conflict},
      {"too_large", error_kind::too_large},
      {"overloaded", error_kind::overloaded},
      {"unavailable", error_kind::unavailable},
      {"timeout", error_kind::timeout},
      {"corrupt", error_kind::corrupt},
      {"unsupported", error_kind::unsupported},
      {"internal", error_kind::internal},
      {"no_server", error_kind::unavailable},
      {"socket_in_use", error_kind::conflict},
      {"cancelled", error_kind::unavailable},
  }};
  static constexpr base::error_domain domain{"admin", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::site
