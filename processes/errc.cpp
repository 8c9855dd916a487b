#include "processes/errc.hpp"

#include <array>

namespace dsf::processes {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 6> table{{
      {"bad_task", error_kind::invalid},
      {"bad_resource", error_kind::invalid},
      {"not_configured", error_kind::unsupported},
      {"not_on_allow_list", error_kind::not_found},
      {"interrupted", error_kind::timeout},
      {"internal", error_kind::internal},
  }};
  static constexpr base::error_domain domain{"processes", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::processes
