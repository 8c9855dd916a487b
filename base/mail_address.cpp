#include "base/mail_address.hpp"

#include <cstddef>

namespace dsf::base {
namespace {

constexpr std::size_t address_bytes = 254, name_bytes = 64;  // RFC 5321 4.5.3.1

bool letter_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Words joined by single dots; `more`: characters beside letters and digits.
bool dotted(std::string_view text, std::string_view more) noexcept {
  bool word = false;
  for (const char c : text) {
    if (c == '.') {
      if (!word) return false;
      word = false;
    } else if (letter_or_digit(c) || more.find(c) != std::string_view::npos) {
      word = true;
    } else {
      return false;
    }
  }
  return word;
}

}  // namespace

bool is_mail_address(std::string_view text) noexcept {
  const auto at = text.find('@');
  if (at == std::string_view::npos || text.size() > address_bytes || at > name_bytes) return false;
  return dotted(text.substr(0, at), "!#$%&'*+-/=?^_`{|}~") && dotted(text.substr(at + 1), "-");
}

}  // namespace dsf::base
