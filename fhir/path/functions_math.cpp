// FHIRPath N1, 5.7: math.
#include <fmt/format.h>

#include <array>

#include "fhir/path/functions.hpp"

namespace dsf::fhir::path {
namespace {

using maybe_decimal = std::optional<decimal>;

collection wrap(const maybe_decimal& v) { return v ? one(*v) : collection{}; }

base::failure wrong(call& c, const item& v) {
  return c.error(errc::type, fmt::format("{}() is a function of numbers, not of {}", c.node.text, type_name_of(v)));
}

// The input as a number; nothing for an empty one.
result<maybe_decimal> number(call& c) {
  const auto v = TRY(c.single());
  if (!v) return maybe_decimal();
  const auto n = number_in(*v);
  if (!n) return wrong(c, *v);
  return n;
}

result<maybe_decimal> number_argument(call& c) {
  const auto v = TRY(single_of(c.run, TRY(c.argument(0)), c.node));
  if (!v) return maybe_decimal();
  const auto n = number_in(*v);
  if (!n) return wrong(c, *v);
  return n;
}

result<collection> abs(call& c) {
  const auto v = TRY(c.single());
  if (!v) return collection{};
  if (const auto* i = std::get_if<std::int32_t>(&*v)) {
    if (*i == INT32_MIN) return collection{};
    return one(*i < 0 ? -*i : *i);
  }
  if (const auto* q = std::get_if<quantity_ptr>(&*v)) {
    auto out = **q;
    if (out.value.negative()) out.value = out.value.negated();
    return one(make_item(std::move(out)));
  }
  const auto n = number_in(*v);
  if (!n) return wrong(c, *v);
  return one(n->negative() ? n->negated() : *n);
}

template <decimal (decimal::*To)() const>
result<collection> whole(call& c) {
  const auto n = TRY(number(c));
  if (!n) return collection{};
  const auto i = ((*n).*To)().as_integer();
  return i ? one(*i) : collection{};  // no Integer is that large
}

template <std::optional<decimal> (*F)(const decimal&)>
result<collection> inexact(call& c) {
  const auto n = TRY(number(c));
  return n ? wrap(F(*n)) : collection{};
}

result<collection> log(call& c) {
  const auto n = TRY(number(c));
  const auto base = TRY(number_argument(c));
  return n && base ? wrap(logarithm(*n, *base)) : collection{};
}

result<collection> power_of(call& c) {
  const auto v = TRY(c.single());
  const auto exponent = TRY(single_of(c.run, TRY(c.argument(0)), c.node));
  if (!v || !exponent) return collection{};
  const auto n = number_in(*v), e = number_in(*exponent);
  if (!n) return wrong(c, *v);
  if (!e) return wrong(c, *exponent);
  const auto out = power(*n, *e);
  // 5.7.7: Integers give an Integer, unless the exponent is negative.
  if (out && std::holds_alternative<std::int32_t>(*v) && std::holds_alternative<std::int32_t>(*exponent) && !e->negative()) {
    const auto i = out->as_integer();
    return i ? one(*i) : collection{};
  }
  return wrap(out);
}

result<collection> round(call& c) {
  const auto n = TRY(number(c));
  std::int32_t digits = 0;
  if (c.arguments() > 0) {
    const auto d = TRY(c.integer_argument(0));
    if (!d) return collection{};
    if (*d < 0) return c.error(errc::type, "round() takes a number of digits, which can't be negative");
    digits = *d;
  }
  return n ? one(n->rounded(digits)) : collection{};
}

constexpr std::array table{
    function{"abs", 0, 0, abs},
    function{"ceiling", 0, 0, whole<&decimal::ceiling>},
    function{"floor", 0, 0, whole<&decimal::floor>},
    function{"truncate", 0, 0, whole<&decimal::truncated>},
    function{"exp", 0, 0, inexact<exponential>},
    function{"ln", 0, 0, inexact<natural_logarithm>},
    function{"sqrt", 0, 0, inexact<square_root>},
    function{"log", 1, 1, log},
    function{"power", 1, 1, power_of},
    function{"round", 0, 1, round},
};

}  // namespace

std::span<const function> math_functions() { return table; }

}  // namespace dsf::fhir::path
