// RFC 4122 UUIDs as 16 bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dsf::base {

class entropy;

struct uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const uuid&) const = default;

  [[nodiscard]] std::string to_string() const;  // 36 characters, lower case
  [[nodiscard]] std::string_view raw() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }
  static uuid random(entropy& source);  // version 4
  static result<uuid> parse(std::string_view text);
  // False for anything parse() refuses.
  static bool is_valid(std::string_view text);
  static uuid from_raw(std::string_view sixteen_bytes);
};

}  // namespace dsf::base

template <>
struct std::hash<dsf::base::uuid> {
  std::size_t operator()(const dsf::base::uuid& id) const noexcept {
    std::size_t h = 0;
    for (int i = 0; i < 8; ++i) h = h << 8 | id.bytes[static_cast<std::size_t>(i)];
    return h;
  }
};
