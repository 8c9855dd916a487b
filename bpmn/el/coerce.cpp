#include "bpmn/el/coerce.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "bpmn/el/decimal_math.hpp"
#include "bpmn/el/syntax.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;

base::failure cannot(const value& v, std::string_view to) {
  return fail(errc::wrong_type, fmt::format("a value of type {} cannot be coerced to {}", type_name(v), to));
}

bool is_floating_text(std::string_view text) { return text.find_first_of(".eE") != std::string_view::npos; }

// Long.valueOf: a sign and digits, nothing else.
result<std::int64_t> parse_integer(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(errc::wrong_type, "a string that is not an integer number cannot be coerced to integer");
  return n;
}

result<double> parse_double(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  double d = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), d);
  if (error == std::errc::result_out_of_range || error == std::errc::invalid_argument || end != text.data() + text.size())
    return fail(errc::wrong_type, "a string that is not a number cannot be coerced to double");
  return d;
}

// Double.longValue: cut off, saturated, NaN is 0.
std::int64_t cut(double d) {
  if (std::isnan(d)) return 0;
  if (d >= 9223372036854775807.0) return INT64_MAX;
  if (d <= -9223372036854775808.0) return INT64_MIN;
  return static_cast<std::int64_t>(d);
}

constexpr int max_text_depth = 100;

result<> append_text(std::string& out, const value& v, int depth);

template <class List>
result<> append_list(std::string& out, const List& list, int depth) {
  out += '[';
  bool first = true;
  for (const auto& element : list) {
    if (!first) out += ", ";
    first = false;
    TRY(append_text(out, value(element), depth + 1));
  }
  out += ']';
  return {};
}

// String.valueOf; null inside of a collection is "null".
result<> append_text(std::string& out, const value& v, int depth) {
  if (depth > max_text_depth || out.size() > max_text_bytes) return fail(errc::limit, "the text of a value is too long or too deep");
  if (v.is_null())
    out += depth == 0 ? "" : "null";
  else if (const auto* s = v.as<std::string>())
    out += *s;
  else if (const auto* b = v.as<bool>())
    out += *b ? "true" : "false";
  else if (is_integral(v))
    out += std::to_string(TRY(to_integer(v)));
  else if (const auto* d = v.as<double>())
    out += java_text(*d);
  else if (const auto* n = v.as<decimal>())
    out += n->text;
  else if (const auto* t = v.as<base::timestamp>())
    out += base::to_iso(*t, 3);
  else if (const auto* list = v.as<value_list>())
    return append_list(out, *list, depth);
  else if (const auto* strings = v.as<string_list>())
    return append_list(out, *strings, depth);
  else if (const auto* resource = v.as<fhir_resource>())
    out += resource->json;
  else if (const auto* object = v.as<json_object>())
    out += object->json;
  else if (const auto* reference = v.as<fhir_reference>())
    out += fmt::format("{}/{}/_history/{}", reference->type, reference->id, reference->version);
  else if (const auto* map = v.as<value_map>()) {
    out += '{';
    for (std::size_t i = 0; i < map->size(); ++i) {
      out += (i > 0 ? ", " : "") + (*map)[i].first + "=";
      TRY(append_text(out, (*map)[i].second, depth + 1));
    }
    out += '}';
  } else {
    return cannot(v, "string");
  }
  return {};
}

}  // namespace

bool is_integral(const value& v) {
  return v.as<std::int64_t>() != nullptr || v.as<std::int32_t>() != nullptr || v.as<std::int16_t>() != nullptr;
}
bool is_numeric(const value& v) { return is_integral(v) || v.as<double>() != nullptr || v.as<decimal>() != nullptr; }

std::string java_text(double d) {
  if (std::isnan(d)) return "NaN";
  if (std::isinf(d)) return d > 0 ? "Infinity" : "-Infinity";
  if (d == 0) return std::signbit(d) ? "-0.0" : "0.0";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(d), std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const auto e = text.find('e');
  std::string digits(text.substr(0, e));
  std::erase(digits, '.');
  int exponent = 0;
  const auto* from = buffer + e + 1;
  std::from_chars(*from == '+' ? from + 1 : from, end, exponent);
  const std::string sign = d < 0 ? "-" : "";
  const auto count = static_cast<int>(digits.size());
  if (exponent >= 7 || exponent < -3) return fmt::format("{}{}.{}E{}", sign, digits[0], count > 1 ? digits.substr(1) : "0", exponent);
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return sign + digits + std::string(static_cast<std::size_t>(exponent + 1 - count), '0') + ".0";
  return sign + digits.substr(0, static_cast<std::size_t>(exponent + 1)) + "." + digits.substr(static_cast<std::size_t>(exponent + 1));
}

result<std::string> to_text(const value& v) {
  std::string out;
  TRY(append_text(out, v, 0));
  return out;
}

result<std::int64_t> to_integer(const value& v) {
  if (v.is_null()) return 0;
  if (const auto* n = v.as<std::int64_t>()) return *n;
  if (const auto* n = v.as<std::int32_t>()) return *n;
  if (const auto* n = v.as<std::int16_t>()) return *n;
  if (const auto* d = v.as<double>()) return cut(*d);
  if (const auto* d = v.as<decimal>()) return integer_of(*d);
  if (const auto* s = v.as<std::string>()) return s->empty() ? result<std::int64_t>(0) : parse_integer(*s);
  return cannot(v, "integer");
}

result<double> to_double(const value& v) {
  if (is_integral(v)) return static_cast<double>(TRY(to_integer(v)));
  if (v.is_null()) return 0.0;
  if (const auto* d = v.as<double>()) return *d;
  if (const auto* d = v.as<decimal>()) return double_of(*d);
  if (const auto* s = v.as<std::string>()) return s->empty() ? result<double>(0.0) : parse_double(*s);
  return cannot(v, "double");
}

result<decimal> to_decimal(const value& v) {
  if (is_integral(v)) return decimal_of(TRY(to_integer(v)));
  if (v.is_null()) return decimal{"0"};
  if (const auto* d = v.as<double>()) return decimal_of(*d);
  if (const auto* d = v.as<decimal>()) return parse_decimal(d->text);
  if (const auto* s = v.as<std::string>()) return s->empty() ? result<decimal>(decimal{"0"}) : parse_decimal(*s);
  return cannot(v, "decimal");
}

result<value> to_number(const value& v) {
  if (v.as<double>() != nullptr || v.as<decimal>() != nullptr) return v;
  if (const auto* s = v.as<std::string>(); s != nullptr && is_floating_text(*s)) return value(TRY(to_double(v)));
  return value(TRY(to_integer(v)));
}

result<bool> to_boolean(const value& v) {
  if (v.is_null()) return false;
  if (const auto* b = v.as<bool>()) return *b;
  if (const auto* s = v.as<std::string>()) {
    if (s->size() != 4) return false;
    std::string lower;
    for (const char c : *s) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return lower == "true";
  }
  return cannot(v, "boolean");
}

}  // namespace dsf::bpmn::el
