#include "base/error.hpp"

#include <array>

namespace dsf::base {

std::string error::code() const {
  std::string out{domain_->name};
  out += '.';
  out += domain_->entry(value_).name;
  return out;
}

std::string error::to_string() const {
  std::string out;
  if (!place_.empty()) {
    out += place_;
    out += ": ";
  }
  out += text_;
  if (cause_) {
    out += " (because: ";
    out += cause_->to_string();
    out += ')';
  }
  return out;
}

std::string_view to_string(error_kind kind) noexcept {
  switch (kind) {
    case error_kind::invalid: return "invalid";
    case error_kind::not_found: return "not_found";
    case error_kind::forbidden: return "forbidden";
    case error_kind::conflict: return "conflict";
    case error_kind::too_large: return "too_large";
    case error_kind::overloaded: return "overloaded";
    case error_kind::unavailable: return "unavailable";
    case error_kind::timeout: return "timeout";
    case error_kind::corrupt: return "corrupt";
    case error_kind::unsupported: return "unsupported";
    case error_kind::internal: return "internal";
  }
  return "unknown";
}

const error_domain& domain_of(errc) noexcept {
  static constexpr std::array<error_entry, 5> table{{
      {"invalid_argument", error_kind::invalid},
      {"parse", error_kind::invalid},
      {"io", error_kind::unavailable},
      {"limit", error_kind::too_large},
      {"internal", error_kind::internal},
  }};
  static constexpr error_domain domain{"base", [](std::uint16_t v) { return table[v]; }};
  return domain;
}

}  // namespace dsf::base
