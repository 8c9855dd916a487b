#include "site/running/errc.hpp"

#include <array>

namespace dsf::site {

const base::error_domain& domain_of(running_errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 6> table{{
      {"cannot_start", error_kind::unavailable},
      {"no_such_instance", error_kind::not_found},
      {"no_such_process", error_kind::not_found},
      {"role_missing", error_kind::unsupported},
      {"bad_request", error_kind::invalid},
      {"held", error_kind::unavailable},
  }};
  static constexpr base::error_domain domain{"site", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::site
