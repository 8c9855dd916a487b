#include "base/bytes.hpp"

#include <array>

namespace dsf::base {

void put_ordered(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.push_back('\0');
  out.push_back('\0');
}

std::uint64_t byte_reader::be(int n) {
  const auto bytes = take(static_cast<std::size_t>(n));
  std::uint64_t v = 0;
  for (const char c : bytes) v = v << 8 | static_cast<std::uint8_t>(c);
  return v;
}

std::string_view byte_reader::take(std::size_t n) {
  if (!ok_ || bytes_.size() < n) {
    ok_ = false;
    return {};
  }
  const auto out = bytes_.substr(0, n);
  bytes_.remove_prefix(n);
  return out;
}

std::string byte_reader::ordered() {
  std::string out;
  while (ok_) {
    const auto c = take(1);
    if (!ok_) break;
    if (c[0] != '\0') {
      out.push_back(c[0]);
      continue;
    }
    const auto next = take(1);
    if (!ok_) break;
    if (next[0] == '\0') return out;
    if (next[0] != '\xff') {
      ok_ = false;
      break;
    }
    out.push_back('\0');
  }
  return {};
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(digits[static_cast<std::uint8_t>(c) >> 4]);
    out.push_back(digits[static_cast<std::uint8_t>(c) & 15]);
  }
  return out;
}

namespace {
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}  // namespace

result<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(errc::parse, "a hexadecimal text has an even number of digits");
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int hi = hex_digit(text[i]), lo = hex_digit(text[i + 1]);
    if (hi < 0 || lo < 0) return fail(errc::parse, "not a hexadecimal digit", "offset " + std::to_string(i));
    out.push_back(static_cast<char>(hi << 4 | lo));
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[k])); };
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t v = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) out.push_back(base64_alphabet[v >> shift & 63]);
  }
  if (const auto left = bytes.size() - i; left > 0) {
    const std::uint32_t v = at(i) << 16 | (left == 2 ? at(i + 1) << 8 : 0);
    out.push_back(base64_alphabet[v >> 18 & 63]);
    out.push_back(base64_alphabet[v >> 12 & 63]);
    out.push_back(left == 2 ? base64_alphabet[v >> 6 & 63] : '=');
    out.push_back('=');
  }
  return out;
}

result<std::string> from_base64(std::string_view text) {
  static const auto table = [] {
    std::array<int, 256> t{};
    t.fill(-1);
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i) t[static_cast<std::uint8_t>(base64_alphabet[i])] = static_cast<int>(i);
    return t;
  }();
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t v = 0;
  int have = 0, padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int d = table[static_cast<std::uint8_t>(c)];
    if (d < 0 || padding > 0) return fail(errc::parse, "not Base64");
    v = v << 6 | static_cast<std::uint32_t>(d);
    if (++have == 4) {
      out.push_back(static_cast<char>(v >> 16));
      out.push_back(static_cast<char>(v >> 8));
      out.push_back(static_cast<char>(v));
      v = 0;
      have = 0;
    }
  }
  if (have == 1 || padding > 2 || (have != 0 && have + padding != 4) || (have == 0 && padding != 0))
    return fail(errc::parse, "Base64 ends in the middle of a group");
  if (have >= 2) out.push_back(static_cast<char>(v >> (have == 2 ? 4 : 10)));
  if (have == 3) out.push_back(static_cast<char>(v >> 2));
  return out;
}

}  // namespace dsf::base
