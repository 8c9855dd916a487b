// Functions whose results are not exact, in 60 digits, rounded to decimal::result_digits.
#include <boost/multiprecision/cpp_dec_float.hpp>

#include "fhir/path/decimal_maker.hpp"

namespace dsf::fhir::path {
namespace {

using real = boost::multiprecision::number<boost::multiprecision::cpp_dec_float<60>, boost::multiprecision::et_off>;

real real_of(const decimal& d) { return real(d.to_string()); }

std::optional<decimal> decimal_of(const real& r) {
  if (!boost::multiprecision::isfinite(r)) return {};
  if (boost::multiprecision::abs(r) >= real("1e36")) return {};
  if (boost::multiprecision::abs(r) < real("1e-37")) return decimal(0);
  auto out = decimal::parse(r.str(decimal::result_digits, std::ios_base::scientific));
  if (!out) out = decimal::parse(r.str(decimal::max_digits, std::ios_base::fixed));  // very small: as many digits as there is room for
  return out ? std::optional(out->trimmed()) : std::nullopt;
}

}  // namespace

std::optional<decimal> square_root(const decimal& a) {
  if (a.negative()) return {};
  return decimal_of(sqrt(real_of(a)));
}

std::optional<decimal> natural_logarithm(const decimal& a) {
  if (a.negative() || a.zero()) return {};
  return decimal_of(log(real_of(a)));
}

std::optional<decimal> logarithm(const decimal& a, const decimal& base) {
  if (a.negative() || a.zero() || base.negative() || base.zero() || base == decimal(1)) return {};
  return decimal_of(log(real_of(a)) / log(real_of(base)));
}

std::optional<decimal> exponential(const decimal& a) {
  if (a > decimal(90)) return {};
  if (a < decimal(-90)) return decimal(0);
  return decimal_of(exp(real_of(a)));
}

std::optional<decimal> power(const decimal& a, const decimal& exponent) {
  const auto whole = exponent.as_integer();
  if (whole && *whole >= 0 && *whole <= 1000) {
    // Exact as long as the digits fit.
    decimal out(1);
    bool exact = true;
    for (int i = 0; i < *whole && exact; ++i) {
      if (out.digit_count() + a.digit_count() > decimal::max_digits)
        exact = false;
      else
        out = *multiply(out, a);
    }
    if (exact) return out;
  }
  if (a.zero()) return exponent.negative() ? std::nullopt : std::optional(decimal(0));
  if (a.negative() && !whole) return {};
  const auto magnitude = exponent.approximate() * static_cast<double>(a.digit_count() + a.scale() + 1);
  if (magnitude > 1e6 || magnitude < -1e6) {
    // Far outside or one of 1 and -1.
    const auto positive = a.negative() ? a.negated() : a;
    if (positive == decimal(1)) return a.negative() && whole && *whole % 2 != 0 ? decimal(-1) : decimal(1);
    return (positive > decimal(1)) == exponent.negative() ? std::optional(decimal(0)) : std::nullopt;
  }
  return decimal_of(pow(real_of(a), real_of(exponent)));
}

}  // namespace dsf::fhir::path
