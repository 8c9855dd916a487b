#include "fhir/path/text.hpp"

#include <algorithm>

namespace dsf::fhir::path {
namespace {

std::size_t length_of(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  const std::size_t n = c < 0x80 ? 1 : (c & 0xE0) == 0xC0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : (c & 0xF8) == 0xF0 ? 4 : 1;
  if (at + n > text.size()) return 1;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 1;
  return n;
}

char32_t code_point(std::string_view c) {
  const auto b = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(c[i])); };
  switch (c.size()) {
    case 2: return ((b(0) & 0x1F) << 6) | (b(1) & 0x3F);
    case 3: return ((b(0) & 0x0F) << 12) | ((b(1) & 0x3F) << 6) | (b(2) & 0x3F);
    case 4: return ((b(0) & 0x07) << 18) | ((b(1) & 0x3F) << 12) | ((b(2) & 0x3F) << 6) | (b(3) & 0x3F);
    default: return b(0);
  }
}

bool between(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

char32_t to_lower(char32_t c) {
  if (between(c, 'A', 'Z')) return c + 32;
  if (between(c, 0xC0, 0xDE) && c != 0xD7) return c + 32;
  if (c == 0x130) return 'i';
  if (c == 0x178) return 0xFF;
  if (c == 0x1E9E) return 0xDF;
  if ((between(c, 0x100, 0x12F) || between(c, 0x132, 0x137) || between(c, 0x14A, 0x177) || between(c, 0x1E00, 0x1E95) ||
       between(c, 0x1EA0, 0x1EFF)) &&
      c % 2 == 0)
    return c + 1;
  if ((between(c, 0x139, 0x148) || between(c, 0x179, 0x17E)) && c % 2 == 1) return c + 1;
  if (between(c, 0x391, 0x3A9) && c != 0x3A2) return c + 32;
  if (between(c, 0x410, 0x42F)) return c + 32;
  if (between(c, 0x400, 0x40F)) return c + 80;
  return c;
}

char32_t to_upper(char32_t c) {
  if (c == 0xDF || c == 0x149) return c;
  if (between(c, 'a', 'z')) return c - 32;
  if (between(c, 0xE0, 0xFE) && c != 0xF7) return c - 32;
  if (c == 0xFF) return 0x178;
  if (c == 0x131) return 'I';
  if (c == 0xB5) return 0x39C;
  if (c == 0x3C2) return 0x3A3;
  if ((between(c, 0x101, 0x12F) || between(c, 0x133, 0x137) || between(c, 0x14B, 0x177) || between(c, 0x1E01, 0x1E95) ||
       between(c, 0x1EA1, 0x1EFF)) &&
      c % 2 == 1)
    return c - 1;
  if ((between(c, 0x13A, 0x148) || between(c, 0x17A, 0x17E)) && c % 2 == 0) return c - 1;
  if (between(c, 0x3B1, 0x3C9)) return c - 32;
  if (between(c, 0x430, 0x44F)) return c - 32;
  if (between(c, 0x450, 0x45F)) return c - 80;
  return c;
}

template <class Map>
std::string mapped(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto n = length_of(text, i);
    const auto c = text.substr(i, n);
    i += n;
    if (n == 1 && static_cast<unsigned char>(c[0]) >= 0x80)
      out += c[0];
    else
      append_utf8(out, map(code_point(c)));
  }
  return out;
}

}  // namespace

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      put(0xE0 | (c >> 12));
    } else {
      put(0xF0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3F));
    }
    put(0x80 | ((c >> 6) & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return {};
}

bool ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size();) {
    const auto n = length_of(text, i);
    out.push_back(text.substr(i, n));
    i += n;
  }
  return out;
}

std::size_t character_count(std::string_view text) {
  if (ascii(text)) return text.size();
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); i += length_of(text, i)) ++n;
  return n;
}

std::size_t byte_offset(std::string_view text, std::size_t index) {
  std::size_t i = 0;
  for (; index > 0 && i < text.size(); --index) i += length_of(text, i);
  return i;
}

std::string upper(std::string_view text) {
  auto out = mapped(text, to_upper);
  // The one letter of these alphabets that becomes two (Unicode, SpecialCasing).
  for (std::size_t at = 0; (at = out.find("ß", at)) != out.npos; at += 2) out.replace(at, 2, "SS");
  return out;
}
std::string lower(std::string_view text) { return mapped(text, to_lower); }

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : lower(text)) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace dsf::fhir::path
