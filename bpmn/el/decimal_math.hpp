// Exact decimal arithmetic as java.math.BigDecimal: unscaled integer and scale. Private to el/.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "bpmn/value.hpp"

namespace dsf::bpmn::el {

constexpr std::size_t max_decimal_digits = 1'000;

enum class decimal_operation : std::uint8_t { add, sub, mul, div, mod };

// Error wrong_type: not a decimal number. Error limit: more than max_decimal_digits.
base::result<decimal> parse_decimal(std::string_view text);
decimal decimal_of(std::int64_t n);
// The exact value of the double; error evaluation for NaN and infinities.
base::result<decimal> decimal_of(double d);
// Division keeps the scale of the dividend and rounds half up. Error evaluation: division by zero.
base::result<decimal> calculate(decimal_operation op, const decimal& a, const decimal& b);
base::result<decimal> negate(const decimal& a);
// < 0, 0, > 0
base::result<int> compare(const decimal& a, const decimal& b);
// Equal value and equal scale, as BigDecimal.equals: 1.0 differs from 1.00.
base::result<bool> same(const decimal& a, const decimal& b);
base::result<double> double_of(const decimal& a);
// Cuts fractions off; error wrong_type when it does not fit.
base::result<std::int64_t> integer_of(const decimal& a);

}  // namespace dsf::bpmn::el
