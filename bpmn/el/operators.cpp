#include "bpmn/el/operators.hpp"

#include <fmt/format.h>

#include <cmath>
#include <compare>

#include "base/mutant.hpp"
#include "bpmn/el/coerce.hpp"
#include "bpmn/el/decimal_math.hpp"
#include "bpmn/errc.hpp"

namespace dsf::bpmn::el {
namespace {

using base::fail;
using base::result;

bool is_decimal(const value& v) { return v.as<decimal>() != nullptr; }
bool is_double(const value& v) { return v.as<double>() != nullptr; }
// A double, or a string with '.', 'e' or 'E'.
bool is_floating(const value& v) {
  const auto* s = v.as<std::string>();
  return is_double(v) || (s != nullptr && s->find_first_of(".eE") != std::string::npos);
}

result<value> by_decimal(operation op, const value& a, const value& b) {
  const auto which = op == operation::add   ? decimal_operation::add
                     : op == operation::sub ? decimal_operation::sub
                     : op == operation::mul ? decimal_operation::mul
                     : op == operation::div ? decimal_operation::div
                                            : decimal_operation::mod;
  return value(TRY(calculate(which, TRY(to_decimal(a)), TRY(to_decimal(b)))));
}

result<value> by_double(operation op, const value& a, const value& b) {
  const double x = TRY(to_double(a));
  const double y = TRY(to_double(b));
  switch (op) {
    case operation::add: return value(x + y);
    case operation::sub: return value(x - y);
    case operation::mul: return value(x * y);
    case operation::div: return value(x / y);
    default: return value(std::fmod(x, y));
  }
}

result<value> by_integer(operation op, const value& a, const value& b) {
  const auto x = TRY(to_integer(a));
  const auto y = TRY(to_integer(b));
  if (op == operation::mod) {
    if (y == 0) return fail(errc::evaluation, "division by zero");
    return value(y == -1 ? std::int64_t{0} : x % y);
  }
  std::int64_t out = 0;
  const bool overflow = op == operation::add   ? __builtin_add_overflow(x, y, &out)
                        : op == operation::sub ? __builtin_sub_overflow(x, y, &out)
                                               : __builtin_mul_overflow(x, y, &out);
  if (overflow) return by_decimal(op, value(x), value(y));
  return value(out);
}

// Operands are not null here. Which type both are coerced to is decided by the "greater" one.
result<std::partial_ordering> order(const value& a, const value& b) {
  if (is_decimal(a) || is_decimal(b)) return TRY(compare(TRY(to_decimal(a)), TRY(to_decimal(b)))) <=> 0;
  if (is_double(a) || is_double(b)) return TRY(to_double(a)) <=> TRY(to_double(b));
  if (is_integral(a) || is_integral(b)) return TRY(to_integer(a)) <=> TRY(to_integer(b));
  if (a.as<std::string>() != nullptr || b.as<std::string>() != nullptr) {
    const auto x = TRY(to_text(a));
    const auto y = TRY(to_text(b));
    if (DSF_MUTANT("bpmn.strings_by_length")) return x.size() <=> y.size();
    return x.compare(y) <=> 0;
  }
  const auto* s = a.as<base::timestamp>();
  const auto* t = b.as<base::timestamp>();
  if (s != nullptr && t != nullptr) return *s <=> *t;
  const auto* p = a.as<bool>();
  const auto* q = b.as<bool>();
  if (p != nullptr && q != nullptr) return int(*p) <=> int(*q);
  return fail(errc::wrong_type, fmt::format("values of type {} and {} cannot be compared", type_name(a), type_name(b)));
}

result<bool> equal(const value& a, const value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (is_decimal(a) || is_decimal(b)) return same(TRY(to_decimal(a)), TRY(to_decimal(b)));
  if (is_double(a) || is_double(b)) return TRY(to_double(a)) == TRY(to_double(b));
  if (is_integral(a) || is_integral(b)) return TRY(to_integer(a)) == TRY(to_integer(b));
  if (a.as<bool>() != nullptr || b.as<bool>() != nullptr) return TRY(to_boolean(a)) == TRY(to_boolean(b));
  if (a.as<std::string>() != nullptr || b.as<std::string>() != nullptr) return TRY(to_text(a)) == TRY(to_text(b));
  return a == b;
}

}  // namespace

result<value> calculate(operation op, const value& a, const value& b) {
  if (a.is_null() && b.is_null()) return value(std::int64_t{0});
  if (is_decimal(a) || is_decimal(b)) {
    // BigDecimal has no %: juel takes doubles then.
    return op == operation::mod ? by_double(op, a, b) : by_decimal(op, a, b);
  }
  if (op == operation::div && DSF_MUTANT("bpmn.integer_division")) return value(std::int64_t(TRY(to_double(a)) / TRY(to_double(b))));
  if (op == operation::div || is_floating(a) || is_floating(b)) return by_double(op, a, b);
  return by_integer(op, a, b);
}

result<value> negated(const value& v) {
  if (v.is_null()) return value(std::int64_t{0});
  if (const auto* d = v.as<decimal>()) return value(TRY(negate(*d)));
  if (is_floating(v)) return value(-TRY(to_double(v)));
  if (!is_integral(v) && v.as<std::string>() == nullptr)
    return fail(errc::wrong_type, fmt::format("a value of type {} cannot be negated", type_name(v)));
  return by_integer(operation::sub, value(std::int64_t{0}), v);
}

result<bool> compare(operation op, const value& a, const value& b) {
  if (op == operation::eq) return equal(a, b);
  if (op == operation::ne) return !TRY(equal(a, b));
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null() && (op == operation::le || op == operation::ge);
  const auto o = TRY(order(a, b));
  switch (op) {
    case operation::lt: return o < 0;
    case operation::le: return o <= 0;
    case operation::gt: return o > 0;
    case operation::ge: return o >= 0;
    default: return fail(errc::bug, "not a comparison");
  }
}

bool is_empty(const value& v) {
  if (v.is_null()) return true;
  if (const auto* s = v.as<std::string>()) return s->empty();
  if (const auto* l = v.as<value_list>()) return l->empty();
  if (const auto* l = v.as<string_list>()) return l->empty();
  if (const auto* m = v.as<value_map>()) return m->empty();
  if (const auto* b = v.as<bytes>()) return b->data.empty();  // a byte array
  return false;
}

}  // namespace dsf::bpmn::el
