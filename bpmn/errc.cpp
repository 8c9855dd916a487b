#include "bpmn/errc.hpp"

#include <array>

namespace dsf::bpmn {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 11> table{{
      {"not_xml", error_kind::invalid},
      {"bad_model", error_kind::invalid},
      {"unsupported_element", error_kind::unsupported},
      {"bad_expression", error_kind::invalid},
      {"unknown_identifier", error_kind::invalid},
      {"evaluation", error_kind::invalid},
      {"wrong_type", error_kind::invalid},
      {"no_flow", error_kind::invalid},
      {"not_waiting", error_kind::conflict},
      {"limit", error_kind::too_large},
      {"bug", error_kind::internal},
  }};
  static constexpr base::error_domain domain{"bpmn", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::bpmn
