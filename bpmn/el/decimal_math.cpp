#include "bpmn/el/decimal_math.hpp"

#include <fmt/format.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;
using big = boost::multiprecision::cpp_int;

struct number {
  big unscaled;
  int scale = 0;
};

big power_of_ten(int n) { return boost::multiprecision::pow(big(10), static_cast<unsigned>(n)); }

base::failure too_long() {
  return fail(errc::limit, fmt::format("a decimal number has more than {} digits or places", max_decimal_digits));
}

result<number> read(std::string_view text) {
  const auto not_a_number = [] { return fail(errc::wrong_type, "the text is not a decimal number"); };
  if (text.size() > max_decimal_digits + 20) return too_long();
  number out;
  std::string digits;
  std::size_t at = 0;
  const bool minus = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) ++at;
  bool point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      out.scale += point ? 1 : 0;
    } else {
      break;
    }
  }
  if (digits.empty()) return not_a_number();
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return not_a_number();
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int exponent = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (end != text.data() + text.size() || error == std::errc::invalid_argument) return not_a_number();
    if (error != std::errc{} || std::abs(static_cast<long long>(exponent)) > static_cast<long long>(max_decimal_digits)) return too_long();
    out.scale -= exponent;
  }
  if (digits.size() > max_decimal_digits || std::abs(out.scale) > static_cast<int>(max_decimal_digits)) return too_long();
  const auto first = digits.find_first_not_of('0');  // cpp_int takes a leading 0 for octal
  if (first != std::string::npos) out.unscaled = big(digits.substr(first));
  if (minus) out.unscaled = -out.unscaled;
  return out;
}

// BigDecimal.toString
result<decimal> print(const number& n) {
  auto digits = big(abs(n.unscaled)).str();
  const std::string sign = n.unscaled < 0 ? "-" : "";
  if (digits.size() > max_decimal_digits || std::abs(n.scale) > static_cast<int>(max_decimal_digits)) return too_long();
  const auto count = static_cast<int>(digits.size());
  const int adjusted = count - 1 - n.scale;
  if (n.scale == 0) return decimal{sign + digits};
  if (n.scale > 0 && adjusted >= -6) {
    if (count <= n.scale) digits.insert(0, static_cast<std::size_t>(n.scale - count + 1), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(n.scale), ".");
    return decimal{sign + digits};
  }
  if (count > 1) digits.insert(1, ".");
  if (adjusted != 0) digits += fmt::format("E{:+}", adjusted);
  return decimal{sign + digits};
}

void align(number& a, number& b) {
  if (a.scale < b.scale) {
    a.unscaled *= power_of_ten(b.scale - a.scale);
    a.scale = b.scale;
  } else if (b.scale < a.scale) {
    b.unscaled *= power_of_ten(a.scale - b.scale);
    b.scale = a.scale;
  }
}

// BigDecimal.divide(b, HALF_UP): the quotient has the scale of a.
result<number> divide(const number& a, const number& b) {
  if (b.unscaled == 0) return fail(errc::evaluation, "division by zero");
  // a / b * 10^a.scale = a.unscaled * 10^b.scale / b.unscaled
  big top = a.unscaled;
  big bottom = b.unscaled;
  if (b.scale >= 0) {
    top *= power_of_ten(b.scale);
  } else {
    bottom *= power_of_ten(-b.scale);
  }
  const bool minus = (top < 0) != (bottom < 0);
  top = abs(top);
  bottom = abs(bottom);
  big quotient = (top * 2 + bottom) / (bottom * 2);
  if (minus) quotient = -quotient;
  return number{quotient, a.scale};
}

}  // namespace

result<decimal> parse_decimal(std::string_view text) { return print(TRY(read(text))); }

decimal decimal_of(std::int64_t n) { return decimal{std::to_string(n)}; }

result<decimal> decimal_of(double d) {
  if (!std::isfinite(d)) return fail(errc::evaluation, "NaN and infinite numbers have no decimal value");
  int exponent = 0;
  const double fraction = std::frexp(d, &exponent);
  auto mantissa = static_cast<std::int64_t>(std::ldexp(fraction, 53));
  exponent -= 53;
  while (mantissa != 0 && mantissa % 2 == 0 && exponent < 0) {
    mantissa /= 2;
    ++exponent;
  }
  if (mantissa == 0) return decimal{"0"};
  number out{big(mantissa), 0};
  if (exponent >= 0) {
    out.unscaled <<= static_cast<unsigned>(exponent);
  } else {  // m / 2^k = m * 5^k / 10^k
    if (-exponent > static_cast<int>(max_decimal_digits)) return too_long();
    out.unscaled *= boost::multiprecision::pow(big(5), static_cast<unsigned>(-exponent));
    out.scale = -exponent;
  }
  return print(out);
}

result<decimal> calculate(decimal_operation op, const decimal& left, const decimal& right) {
  auto a = TRY(read(left.text));
  auto b = TRY(read(right.text));
  switch (op) {
    case decimal_operation::mul: return print({a.unscaled * b.unscaled, a.scale + b.scale});
    case decimal_operation::div: return print(TRY(divide(a, b)));
    case decimal_operation::add: align(a, b); return print({a.unscaled + b.unscaled, a.scale});
    case decimal_operation::sub: align(a, b); return print({a.unscaled - b.unscaled, a.scale});
    case decimal_operation::mod:
      if (b.unscaled == 0) return fail(errc::evaluation, "division by zero");
      align(a, b);
      return print({a.unscaled % b.unscaled, a.scale});
  }
  return fail(errc::bug, "unknown decimal operation");
}

result<decimal> negate(const decimal& a) {
  auto n = TRY(read(a.text));
  n.unscaled = -n.unscaled;
  return print(n);
}

result<int> compare(const decimal& left, const decimal& right) {
  auto a = TRY(read(left.text));
  auto b = TRY(read(right.text));
  align(a, b);
  return a.unscaled.compare(b.unscaled);
}

result<bool> same(const decimal& left, const decimal& right) {
  const auto a = TRY(read(left.text));
  const auto b = TRY(read(right.text));
  return a.scale == b.scale && a.unscaled == b.unscaled;
}

result<double> double_of(const decimal& a) {
  TRY(read(a.text));
  std::string_view text = a.text;
  if (text.starts_with('+')) text.remove_prefix(1);
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::result_out_of_range) return fail(errc::wrong_type, "the decimal number does not fit into a double");
  return out;
}

result<std::int64_t> integer_of(const decimal& a) {
  const auto n = TRY(read(a.text));
  const big whole = n.scale >= 0 ? big(n.unscaled / power_of_ten(n.scale)) : big(n.unscaled * power_of_ten(-n.scale));
  if (whole > std::numeric_limits<std::int64_t>::max() || whole < std::numeric_limits<std::int64_t>::min())
    return fail(errc::wrong_type, "the decimal number does not fit into 64 bits");
  return whole.convert_to<std::int64_t>();
}

}  // namespace dsf::bpmn::el
