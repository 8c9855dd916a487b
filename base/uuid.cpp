#include "base/uuid.hpp"

#include <cassert>
#include <cstring>

#include "base/bytes.hpp"
#include "base/entropy.hpp"

namespace dsf::base {

std::string uuid::to_string() const {
  const auto hex = to_hex(raw());
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    out.push_back(hex[i]);
  }
  return out;
}

uuid uuid::random(entropy& source) {
  uuid id;
  source.fill(id.bytes);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

result<uuid> uuid::parse(std::string_view text) {
  const auto bad = [&] { return fail(errc::parse, "'" + std::string(text.substr(0, 64)) + "' is not a UUID"); };
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return bad();
  std::string hex;
  hex.reserve(32);
  for (std::size_t i = 0; i < 36; ++i)
    if (i != 8 && i != 13 && i != 18 && i != 23) hex.push_back(text[i]);
  const auto bytes = from_hex(hex);
  if (!bytes) return bad();
  return from_raw(*bytes);
}

bool uuid::is_valid(std::string_view text) { return parse(text).has_value(); }

uuid uuid::from_raw(std::string_view sixteen_bytes) {
  assert(sixteen_bytes.size() == 16);
  uuid id;
  std::memcpy(id.bytes.data(), sixteen_bytes.data(), 16);
  return id;
}

}  // namespace dsf::base
