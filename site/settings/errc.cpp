#include "site/settings/errc.hpp"

#include <array>

namespace dsf::site {

const base::error_domain& domain_of(settings_errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 7> table{{
      {"unreadable", error_kind::not_found},
      {"not_yaml", error_kind::invalid},
      {"unknown", error_kind::invalid},
      {"duplicate", error_kind::invalid},
      {"wrong", error_kind::invalid},
      {"missing", error_kind::invalid},
      {"refused", error_kind::invalid},
  }};
  static constexpr base::error_domain domain{"settings", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::site
