#include "storage/errors.hpp"

#include <array>

namespace dsf::storage {

const base::error_domain& domain_of(errc) noexcept {
  using base::error_kind;
  static constexpr std::array<base::error_entry, 19> table{{
      {"version_conflict", error_kind::conflict}, {"unique_conflict", error_kind::conflict}, {"instance_conflict", error_kind::conflict},
      {"changed_conflict", error_kind::conflict}, {"row_conflict", error_kind::conflict},    {"invalid_commit", error_kind::internal},
      {"too_large", error_kind::too_large},       {"overloaded", error_kind::overloaded},    {"read_only", error_kind::unavailable},
      {"closed", error_kind::unavailable},        {"not_a_store", error_kind::invalid},      {"damaged", error_kind::corrupt},
      {"newer_format", error_kind::unsupported},  {"locked", error_kind::unavailable},       {"io", error_kind::unavailable},
      {"feed_trimmed", error_kind::not_found},    {"not_found", error_kind::not_found},      {"erased", error_kind::not_found},
      {"wrong_key", error_kind::invalid},
  }};
  static constexpr base::error_domain domain{"storage", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::storage
