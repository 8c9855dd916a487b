// What lies in the sealed body of a resource: where its meta goes, what belongs to it beside the JSON (a blob's key), the JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace dsf::storage {

struct sealed_parts {
  std::uint32_t meta_at = 0;
  std::string_view aside;  // empty: none
  std::string_view body;
};

// meta_at 4, its highest bit set if there is an aside | length of the aside 2, aside | JSON. Stores of before have no aside.
inline constexpr std::uint32_t has_aside = std::uint32_t{1} << 31;

inline std::string to_sealed_parts(std::uint32_t meta_at, std::string_view aside, std::string_view body) {
  std::string out;
  out.reserve(6 + aside.size() + body.size());
  base::put_u32(out, aside.empty() ? meta_at : meta_at | has_aside);
  if (!aside.empty()) {
    base::put_u16(out, static_cast<std::uint16_t>(aside.size()));
    out += aside;
  }
  out += body;
  return out;
}

// Nothing if it does not read as that.
inline std::optional<sealed_parts> sealed_parts_of(std::string_view plain) {
  base::byte_reader in(plain);
  sealed_parts out;
  out.meta_at = in.u32();
  if (out.meta_at & has_aside) {
    out.meta_at &= ~has_aside;
    const auto length = in.u16();
    if (!in.ok() || in.rest().size() < length) return {};
    out.aside = in.rest().substr(0, length);
    out.body = in.rest().substr(length);
  } else {
    out.body = in.rest();
  }
  if (!in.ok() || out.meta_at > out.body.size()) return {};
  return out;
}

}  // namespace dsf::storage
