#include "fhir/codec/primitive.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace dsf::fhir {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads a text from the left; every step says whether it could be taken.
class cursor {
public:
  explicit cursor(std::string_view text) : text_(text) {}
  [[nodiscard]] bool at_end() const { return text_.empty(); }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  // Exactly `count` digits with a value in [low, high].
  bool number(std::size_t count, int low, int high, int* out = nullptr) {
    if (text_.size() < count) return false;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(text_[i])) return false;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    if (out) *out = value;
    return value >= low && value <= high;
  }
  std::size_t digits() {
    std::size_t n = 0;
    while (n < text_.size() && is_digit(text_[n])) ++n;
    text_.remove_prefix(n);
    return n;
  }
  // 0, or digits without a leading zero.
  bool plain_integer() {
    if (take('0')) return at_end() || !is_digit(text_.front());
    return digits() > 0;
  }

private:
  std::string_view text_;
};

int days_in_month(int year, int month) {
  static constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

enum class precision { year, month, day };

// YYYY[-MM[-DD]]; `least` says which parts must be there.
bool take_date(cursor& c, precision least, precision* got = nullptr) {
  int year = 0;
  int month = 0;
  precision reached = precision::year;
  if (!c.number(4, 1, 9999, &year)) return false;
  if (c.take('-')) {
    if (!c.number(2, 1, 12, &month)) return false;
    reached = precision::month;
    if (c.take('-')) {
      if (!c.number(2, 1, days_in_month(year, month))) return false;
      reached = precision::day;
    }
  }
  if (got) *got = reached;
  return reached >= least;
}

// hh:mm:ss[.f+]; 60 is a leap second.
bool take_time(cursor& c) {
  if (!c.number(2, 0, 23) || !c.take(':') || !c.number(2, 0, 59) || !c.take(':') || !c.number(2, 0, 60)) return false;
  return !c.take('.') || c.digits() > 0;
}

bool take_zone(cursor& c) {
  if (c.take('Z')) return true;
  if (!c.take('+') && !c.take('-')) return false;
  int hours = 0;
  int minutes = 0;
  return c.number(2, 0, 14, &hours) && c.take(':') && c.number(2, 0, 59, &minutes) && (hours < 14 || minutes == 0);
}

bool is_date(std::string_view text) {
  cursor c(text);
  return take_date(c, precision::year) && c.at_end();
}

bool is_date_time(std::string_view text) {
  cursor c(text);
  precision got{};
  if (!take_date(c, precision::year, &got)) return false;
  if (c.at_end()) return true;
  return got == precision::day && c.take('T') && take_time(c) && take_zone(c) && c.at_end();
}

bool is_instant(std::string_view text) {
  cursor c(text);
  return take_date(c, precision::day) && c.take('T') && take_time(c) && take_zone(c) && c.at_end();
}

bool is_time(std::string_view text) {
  cursor c(text);
  return take_time(c) && c.at_end();
}

bool is_decimal(std::string_view text) {
  cursor c(text);
  c.take('-');
  if (!c.plain_integer()) return false;
  if (c.take('.') && c.digits() == 0) return false;
  if (c.take('e') || c.take('E')) {
    if (!c.take('+')) c.take('-');
    if (c.digits() == 0) return false;
  }
  return c.at_end();
}

bool is_integer(std::string_view text, std::int64_t low, std::int64_t high) {
  cursor c(text);
  c.take('-');
  if (!c.plain_integer() || !c.at_end()) return false;
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && value >= low && value <= high;
}

bool is_code(std::string_view text) {
  if (is_space(text.front()) || is_space(text.back())) return false;
  bool blank = false;
  for (const char c : text) {
    if (is_space(c) && blank) return false;
    blank = is_space(c);
  }
  return true;
}

bool is_id(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.'; });
}

bool is_oid(std::string_view text) {
  cursor c(text);
  if (!c.take("urn:oid:") || !c.number(1, 0, 2) || c.at_end()) return false;
  while (!c.at_end())
    if (!c.take('.') || !c.plain_integer()) return false;
  return true;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view prefix = "urn:uuid:";
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 36) return false;
  text.remove_prefix(prefix.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f')) return false;
  }
  return true;
}

bool is_base64(std::string_view text) {
  std::size_t symbols = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=')
      ++padding;
    else if ((!is_alpha(c) && !is_digit(c) && c != '+' && c != '/') || padding > 0)
      return false;
    ++symbols;
  }
  return symbols > 0 && symbols % 4 == 0 && padding <= 2;
}

// What XML 1.0 can't carry may not be in JSON either, or the resource could not be served as XML.
bool has_forbidden_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return true;
    if (c == 0xEF && text.size() - i >= 3 && text[i + 1] == '\xBF' && static_cast<unsigned char>(text[i + 2]) >= 0xBE) return true;
  }
  return false;
}

bool has_space(std::string_view text) { return std::ranges::any_of(text, is_space); }

constexpr std::int64_t max_int = INT32_MAX;

}  // namespace

json_form json_form_of(primitive p) {
  switch (p) {
    case primitive::boolean: return json_form::boolean;
    case primitive::decimal:
    case primitive::integer:
    case primitive::positive_int:
    case primitive::unsigned_int: return json_form::number;
    default: return json_form::string;
  }
}

std::string_view lexical_fault(primitive p, std::string_view text) {
  if (text.empty()) return "is empty; leave the element out instead";
  if (has_forbidden_character(text)) return "contains a control character or a code point that XML can't carry";
  switch (p) {
    case primitive::none:
    case primitive::xhtml: return {};
    case primitive::string:
    case primitive::markdown: return text.size() <= max_string_bytes ? "" : "is longer than 1048576 bytes";
    case primitive::boolean: return text == "true" || text == "false" ? "" : "is not true or false";
    case primitive::code: return is_code(text) ? "" : "is not a code (no blanks at the ends, single blanks inside)";
    case primitive::id: return is_id(text) ? "" : "is not an id (1 to 64 of A-Z, a-z, 0-9, '-' and '.')";
    case primitive::uri:
    case primitive::url:
    case primitive::canonical: return has_space(text) ? "is not a URI: it contains a blank" : "";
    case primitive::oid: return is_oid(text) ? "" : "is not an OID (urn:oid:1.2.3)";
    case primitive::uuid: return is_uuid(text) ? "" : "is not a UUID (urn:uuid: and 36 lower-case characters)";
    case primitive::date: return is_date(text) ? "" : "is not a date (YYYY, YYYY-MM or YYYY-MM-DD)";
    case primitive::date_time:
      return is_date_time(text) ? "" : "is not a dateTime (a date, or YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00)";
    case primitive::instant: return is_instant(text) ? "" : "is not an instant (YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00)";
    case primitive::time: return is_time(text) ? "" : "is not a time (hh:mm:ss)";
    case primitive::decimal: return is_decimal(text) ? "" : "is not a decimal number";
    case primitive::integer: return is_integer(text, INT32_MIN, max_int) ? "" : "is not an integer of 32 bits";
    case primitive::unsigned_int: return is_integer(text, 0, max_int) ? "" : "is not an unsignedInt (0 to 2147483647)";
    case primitive::positive_int: return is_integer(text, 1, max_int) ? "" : "is not a positiveInt (1 to 2147483647)";
    case primitive::base64_binary: return is_base64(text) ? "" : "is not base64";
  }
  return {};
}

}  // namespace dsf::fhir
