// Byte strings: big-endian numbers for keys, hex, and an ordered reader that never reads past the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dsf::base {

inline void put_u8(std::string& out, std::uint8_t v) { out.push_back(static_cast<char>(v)); }
template <class Int>
void put_be(std::string& out, Int v) {
  for (int shift = int(sizeof(Int) - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>((v >> shift) & 0xff));
}
inline void put_u16(std::string& out, std::uint16_t v) { put_be(out, v); }
inline void put_u32(std::string& out, std::uint32_t v) { put_be(out, v); }
inline void put_u64(std::string& out, std::uint64_t v) { put_be(out, v); }
// A string with 0x00 escaped as 0x00 0xff and closed by 0x00 0x00, so that keys built of several strings sort as tuples do.
void put_ordered(std::string& out, std::string_view text);

// Reads what the put_ functions wrote. After a read past the end `ok()` is false and all values are 0 or empty.
class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && bytes_.empty(); }
  std::string_view rest() const noexcept { return bytes_; }
  std::uint8_t u8() { return static_cast<std::uint8_t>(be(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(be(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(be(4)); }
  std::uint64_t u64() { return be(8); }
  std::string_view take(std::size_t n);
  std::string ordered();

private:
  std::uint64_t be(int n);
  std::string_view bytes_;
  bool ok_ = true;
};

std::string to_hex(std::string_view bytes);
result<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);
// Standard alphabet with padding; white space is skipped.
result<std::string> from_base64(std::string_view text);

}  // namespace dsf::base
