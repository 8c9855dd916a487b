#include "site/audit/errc.hpp"

#include <array>

namespace dsf::site {

const base::error_domain& domain_of(audit_errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 3> table{{
      {"cannot_open", error_kind::unavailable},
      {"cannot_write", error_kind::unavailable},
      {"cannot_read", error_kind::not_found},
  }};
  static constexpr base::error_domain domain{"audit", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::site
