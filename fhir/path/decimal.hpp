// Exact decimal numbers that keep their digits: 1.50 stays 1.50. FHIRPath N1, 2.1 (Decimal); R4 datatypes.html, decimal
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dsf::fhir::path {

class decimal {
public:
  static constexpr int max_digits = 36;      // of the number without its point
  static constexpr int result_digits = 28;   // significant digits of what can't be exact: quotients, roots, logarithms

  constexpr decimal() = default;
  constexpr decimal(std::int64_t whole) : digits_(whole) {}

  // -12.50, 1e3; nothing for anything else or more than max_digits.
  static std::optional<decimal> parse(std::string_view text);

  [[nodiscard]] int scale() const { return scale_; }           // digits after the point, as written
  [[nodiscard]] int significant_scale() const;                 // without trailing zeros
  [[nodiscard]] int digit_count() const;                       // of the number without its point
  [[nodiscard]] bool negative() const { return digits_ < 0; }
  [[nodiscard]] bool zero() const { return digits_ == 0; }
  [[nodiscard]] bool whole() const { return significant_scale() == 0; }
  [[nodiscard]] std::string to_string() const;
  // The number if it is whole and fits.
  [[nodiscard]] std::optional<std::int32_t> as_integer() const;
  [[nodiscard]] std::optional<std::int64_t> as_int64() const;
  // Nearest double, for functions that have no exact answer and for bounds.
  [[nodiscard]] double approximate() const;

  [[nodiscard]] decimal rounded(int scale) const;              // half away from zero; never adds digits
  [[nodiscard]] decimal truncated() const;
  [[nodiscard]] decimal floor() const;
  [[nodiscard]] decimal ceiling() const;
  [[nodiscard]] decimal negated() const;
  [[nodiscard]] decimal trimmed() const;                       // without trailing zeros after the point
  // The same number with at least this many digits after the point, or nothing if they don't fit.
  [[nodiscard]] std::optional<decimal> widened(int scale) const;

  std::strong_ordering operator<=>(const decimal& other) const;
  bool operator==(const decimal& other) const { return (*this <=> other) == 0; }

  // Nothing when the result has too many digits, or for a division by zero.
  friend std::optional<decimal> add(const decimal& a, const decimal& b);
  friend std::optional<decimal> subtract(const decimal& a, const decimal& b);
  friend std::optional<decimal> multiply(const decimal& a, const decimal& b);
  friend std::optional<decimal> divide(const decimal& a, const decimal& b);
  friend std::optional<decimal> remainder(const decimal& a, const decimal& b);  // sign of a

  // Nothing outside the function's domain.
  friend std::optional<decimal> square_root(const decimal& a);
  friend std::optional<decimal> natural_logarithm(const decimal& a);
  friend std::optional<decimal> logarithm(const decimal& a, const decimal& base);
  friend std::optional<decimal> exponential(const decimal& a);
  friend std::optional<decimal> power(const decimal& a, const decimal& exponent);

private:
  using wide = __int128;
  decimal(wide digits, int scale) : digits_(digits), scale_(static_cast<std::int8_t>(scale)) {}
  static decimal divided(wide digits, int scale, int drop);  // truncates
  friend struct decimal_maker;

  wide digits_ = 0;
  std::int8_t scale_ = 0;
};

std::optional<decimal> add(const decimal& a, const decimal& b);
std::optional<decimal> subtract(const decimal& a, const decimal& b);
std::optional<decimal> multiply(const decimal& a, const decimal& b);
std::optional<decimal> divide(const decimal& a, const decimal& b);
std::optional<decimal> remainder(const decimal& a, const decimal& b);
std::optional<decimal> square_root(const decimal& a);
std::optional<decimal> natural_logarithm(const decimal& a);
std::optional<decimal> logarithm(const decimal& a, const decimal& base);
std::optional<decimal> exponential(const decimal& a);
std::optional<decimal> power(const decimal& a, const decimal& exponent);

}  // namespace dsf::fhir::path
