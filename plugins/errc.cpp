#include "plugins/errc.hpp"

#include <array>

namespace dsf::plugins {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 10> table{{
      {"http_status", error_kind::unavailable},
      {"bad_answer", error_kind::invalid},
      {"not_configured", error_kind::unsupported},
      {"not_on_allow_list", error_kind::not_found},
      {"bad_bundle", error_kind::invalid},
      {"bad_archive", error_kind::invalid},
      {"no_such_process", error_kind::not_found},
      {"settings_win", error_kind::conflict},
      {"plugin_in_use", error_kind::conflict},
      {"bad_mail", error_kind::invalid},
  }};
  static constexpr base::error_domain domain{"plugins", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::plugins
