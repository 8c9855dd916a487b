#include "plugins/workers/errc.hpp"

#include <array>

namespace dsf::plugins::workers {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 9> table{{
      {"not_outstanding", error_kind::conflict},
      {"not_allowed", error_kind::forbidden},
      {"bad_request", error_kind::invalid},
      {"too_large", error_kind::too_large},
      {"overloaded", error_kind::overloaded},
      {"no_worker", error_kind::unavailable},
      {"no_answer", error_kind::invalid},
      {"cannot_listen", error_kind::unavailable},
      {"permission_denied", error_kind::forbidden},
  }};
  static constexpr base::error_domain domain{"worker", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::plugins::workers
