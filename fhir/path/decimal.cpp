#include "fhir/path/decimal.hpp"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cstdlib>

#include "fhir/path/decimal_maker.hpp"

namespace dsf::fhir::path {
namespace {

using wide = __int128;

constexpr auto powers = [] {
  std::array<wide, decimal::max_digits + 2> out{};
  wide p = 1;
  for (auto& v : out) {
    v = p;
    p *= 10;
  }
  return out;
}();
constexpr wide limit = powers[decimal::max_digits];

big power_of_ten(int n) {
  big out = 1;
  for (; n >= 18; n -= 18) out *= 1'000'000'000'000'000'000LL;
  for (; n > 0; --n) out *= 10;
  return out;
}

}  // namespace

std::optional<decimal> decimal_maker::fit(big digits, int scale, int keep) {
  const bool negative = digits < 0;
  if (negative) digits = -digits;
  const auto most = power_of_ten(keep);
  // Round half up once, at the right place.
  int drop = scale > decimal::max_digits ? scale - decimal::max_digits : 0;
  for (big rest = digits / power_of_ten(drop); rest >= most; rest /= 10) ++drop;
  drop = std::min(drop, scale);  // the whole part is never rounded
  if (drop > 0) {
    digits = (digits + power_of_ten(drop) / 2) / power_of_ten(drop);
    scale -= drop;
  }
  if (digits >= power_of_ten(decimal::max_digits)) return {};
  auto narrow = static_cast<wide>(digits);
  return decimal(negative ? -narrow : narrow, scale);
}

big decimal_maker::digits(const decimal& d) { return big(d.digits_); }

std::optional<decimal> decimal::parse(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  wide digits = 0;
  int scale = 0, exponent = 0;
  bool point = false, some = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point && some) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    some = true;
    if (point && scale >= max_digits) return {};
    digits = digits * 10 + (c - '0');
    if (digits >= limit) return {};
    if (point) ++scale;
  }
  if (!some || (point && scale == 0)) return {};
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return {};
    auto rest = text.substr(i + 1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (ec != std::errc{} || end != rest.data() + rest.size() || std::abs(exponent) > 1000) return {};
  }
  scale -= exponent;
  for (; scale < 0; ++scale)
    if (digits *= 10; digits >= limit) return {};
  if (scale > max_digits) {
    if (digits != 0) return {};
    scale = max_digits;
  }
  return decimal(negative ? -digits : digits, scale);
}

int decimal::significant_scale() const {
  auto left = digits_;
  int scale = scale_;
  for (; scale > 0 && left % 10 == 0; --scale) left /= 10;
  return scale;
}

int decimal::digit_count() const {
  const auto positive = digits_ < 0 ? -digits_ : digits_;
  int n = 1;
  while (n < max_digits && positive >= powers[static_cast<std::size_t>(n)]) ++n;
  return std::max(n, static_cast<int>(scale_));
}

std::string decimal::to_string() const {
  auto left = digits_ < 0 ? -digits_ : digits_;
  std::string out;
  do {
    out += static_cast<char>('0' + static_cast<int>(left % 10));
    left /= 10;
    if (static_cast<int>(out.size()) == scale_) out += '.';
  } while (left > 0);
  while (static_cast<int>(out.size()) < scale_) {
    out += '0';
    if (static_cast<int>(out.size()) == scale_) out += '.';
  }
  if (out.back() == '.') out += '0';  // 0.5
  if (digits_ < 0) out += '-';
  std::ranges::reverse(out);
  return out;
}

std::optional<std::int64_t> decimal::as_int64() const {
  if (!whole()) return {};
  const auto v = digits_ / powers[static_cast<std::size_t>(scale_)];
  if (v < INT64_MIN || v > INT64_MAX) return {};
  return static_cast<std::int64_t>(v);
}

std::optional<std::int32_t> decimal::as_integer() const {
  const auto v = as_int64();
  if (!v || *v < INT32_MIN || *v > INT32_MAX) return {};
  return static_cast<std::int32_t>(*v);
}

double decimal::approximate() const { return std::strtod(to_string().c_str(), nullptr); }

decimal decimal::divided(wide digits, int scale, int drop) { return {digits / powers[static_cast<std::size_t>(drop)], scale - drop}; }

decimal decimal::rounded(int scale) const {
  if (scale >= scale_) return *this;
  const auto unit = powers[static_cast<std::size_t>(scale_ - scale)];
  return divided(digits_ + (digits_ < 0 ? -unit / 2 : unit / 2), scale_, scale_ - scale);
}

decimal decimal::truncated() const { return divided(digits_, scale_, scale_); }
decimal decimal::floor() const {
  auto out = truncated();
  if (digits_ < 0 && !whole()) --out.digits_;
  return out;
}
decimal decimal::ceiling() const {
  auto out = truncated();
  if (digits_ > 0 && !whole()) ++out.digits_;
  return out;
}
decimal decimal::negated() const { return {-digits_, scale_}; }
decimal decimal::trimmed() const { return divided(digits_, scale_, scale_ - significant_scale()); }

std::optional<decimal> decimal::widened(int scale) const {
  if (scale <= scale_) return *this;
  if (scale > max_digits) return {};
  return decimal_maker::fit(big(digits_) * power_of_ten(scale - scale_), scale, max_digits);
}

std::strong_ordering decimal::operator<=>(const decimal& other) const {
  if (scale_ == other.scale_) return digits_ <=> other.digits_;
  const auto scale = std::max(scale_, other.scale_);
  const auto a = big(digits_) * power_of_ten(scale - scale_), b = big(other.digits_) * power_of_ten(scale - other.scale_);
  return a < b ? std::strong_ordering::less : a > b ? std::strong_ordering::greater : std::strong_ordering::equal;
}

std::optional<decimal> add(const decimal& a, const decimal& b) {
  const int scale = std::max(a.scale_, b.scale_);
  if (a.scale_ == b.scale_ && (a.digits_ < 0 ? -a.digits_ : a.digits_) < limit / 2 && (b.digits_ < 0 ? -b.digits_ : b.digits_) < limit / 2)
    return decimal(a.digits_ + b.digits_, scale);
  return decimal_maker::fit(big(a.digits_) * power_of_ten(scale - a.scale_) + big(b.digits_) * power_of_ten(scale - b.scale_), scale,
                            decimal::max_digits);
}

std::optional<decimal> subtract(const decimal& a, const decimal& b) { return add(a, b.negated()); }

std::optional<decimal> multiply(const decimal& a, const decimal& b) {
  return decimal_maker::fit(big(a.digits_) * big(b.digits_), a.scale_ + b.scale_, decimal::max_digits);
}

std::optional<decimal> divide(const decimal& a, const decimal& b) {
  if (b.zero()) return {};
  // Enough digits that result_digits of them are right whatever the sizes of the two are.
  const int more = decimal::max_digits + decimal::result_digits;
  const auto quotient = big(a.digits_) * power_of_ten(more) / big(b.digits_);
  auto scale = more + a.scale_ - b.scale_;
  auto out = decimal_maker::fit(quotient, scale, decimal::result_digits);
  return out ? std::optional(out->trimmed()) : std::nullopt;
}

std::optional<decimal> remainder(const decimal& a, const decimal& b) {
  if (b.zero()) return {};
  const int scale = std::max(a.scale_, b.scale_);
  return decimal_maker::fit(big(a.digits_) * power_of_ten(scale - a.scale_) % (big(b.digits_) * power_of_ten(scale - b.scale_)), scale,
                            decimal::max_digits);
}

}  // namespace dsf::fhir::path
