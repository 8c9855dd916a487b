#include "fhir/path/arithmetic.hpp"

#include <fmt/format.h>

#include "base/mutant.hpp"
#include "fhir/path/compare.hpp"

namespace dsf::fhir::path {
namespace {

using maybe = std::optional<item>;

maybe integer(std::int64_t v) {
  if (v < INT32_MIN || v > INT32_MAX) {
    if (DSF_MUTANT("fhir.path_integer_wraps")) return item(static_cast<std::int32_t>(v));
    return {};
  }
  return item(static_cast<std::int32_t>(v));
}

maybe wrap(std::optional<decimal> v) { return v ? maybe(item(*v)) : maybe(); }
maybe wrap(std::optional<quantity> v) { return v ? maybe(make_item(std::move(*v))) : maybe(); }

std::string_view sign_of(op kind) {
  switch (kind) {
    case op::add: return "+";
    case op::subtract: return "-";
    case op::multiply: return "*";
    case op::divide: return "/";
    case op::div: return "div";
    default: return "mod";
  }
}

maybe of_integers(op kind, std::int64_t a, std::int64_t b) {
  switch (kind) {
    case op::add: return integer(a + b);
    case op::subtract: return integer(a - b);
    case op::multiply: return integer(a * b);
    case op::divide: return wrap(divide(decimal(a), decimal(b)));
    case op::div: return b == 0 ? maybe() : integer(a / b);
    default: return b == 0 ? maybe() : integer(a % b);
  }
}

maybe of_decimals(op kind, const decimal& a, const decimal& b) {
  switch (kind) {
    case op::add: return wrap(add(a, b));
    case op::subtract: return wrap(subtract(a, b));
    case op::multiply: return wrap(multiply(a, b));
    case op::divide: return wrap(divide(a, b));
    case op::div: {
      const auto q = divide(a, b);
      const auto whole = q ? q->truncated().as_integer() : std::nullopt;
      return whole ? maybe(item(*whole)) : maybe();
    }
    default: return wrap(remainder(a, b));
  }
}

}  // namespace

result<maybe> arithmetic(const evaluation& run, const syntax& at, const item& a, const item& b) {
  const auto kind = at.kind;
  const auto wrong = [&] {
    return run.error(errc::type, fmt::format("{} can't be used with {} and {}", sign_of(kind), type_name_of(a), type_name_of(b)), at);
  };
  if (const auto *x = std::get_if<std::int32_t>(&a), *y = std::get_if<std::int32_t>(&b); x && y) return of_integers(kind, *x, *y);
  const auto m = number_in(a), n = number_in(b);
  if (m && n) return of_decimals(kind, *m, *n);
  if (const auto *s = string_in(a), *t = string_in(b); s && t) {
    if (kind != op::add) return wrong();
    if (s->size() + t->size() > run.with().limits.text_bytes)
      return run.error(errc::limit, fmt::format("a string longer than {} bytes", run.with().limits.text_bytes), at);
    return maybe(item(*s + *t));
  }
  const auto* q = std::get_if<quantity_ptr>(&b);
  if (const auto* t = std::get_if<temporal>(&a); t && q && (kind == op::add || kind == op::subtract)) {
    const auto unit = duration_of(**q);
    // N1, 6.6.7: years and months have no definite length, so UCUM's 'a' and 'mo' can't be added to a date.
    if (!unit)
      return run.error(errc::type,
                       fmt::format("'{}' is no duration that can be added to {}; use year, month, week, day, hour, minute, second "
                                   "or millisecond",
                                   (*q)->unit, type_name_of(a)),
                       at);
    if (t->kind == temporal_kind::time && *unit < duration_unit::hour)
      return run.error(errc::type, fmt::format("{} can't be added to a Time", (*q)->unit), at);
    // The decimal part counts for seconds only, where it is milliseconds.
    auto value = (*q)->value;
    auto step = *unit;
    if (step == duration_unit::second && !value.whole()) {
      const auto ms = multiply(value, decimal(1000));
      if (!ms) return maybe();
      value = *ms;
      step = duration_unit::millisecond;
    }
    const auto amount = value.truncated().as_int64();
    const auto out = amount && *amount != INT64_MIN ? t->plus(kind == op::add ? *amount : -*amount, step) : std::nullopt;
    return out ? maybe(item(*out)) : maybe();
  }
  const auto* p = std::get_if<quantity_ptr>(&a);
  if ((p || m) && (q || n) && (p || q)) {
    const auto x = p ? **p : quantity{*m, "1", false}, y = q ? **q : quantity{*n, "1", false};
    switch (kind) {
      case op::add:
      case op::subtract:
        if (!p || !q) return wrong();
        return wrap(add(x, y, kind == op::subtract));
      case op::multiply: return wrap(multiply(x, y));
      case op::divide: return wrap(divide(x, y));
      default: return wrong();
    }
  }
  return wrong();
}

result<maybe> negated(const evaluation& run, const syntax& at, const item& a) {
  if (const auto* x = std::get_if<std::int32_t>(&a)) return integer(-std::int64_t{*x});
  if (const auto* x = std::get_if<decimal>(&a)) return maybe(item(x->negated()));
  if (const auto* x = std::get_if<quantity_ptr>(&a)) return maybe(make_item({(*x)->value.negated(), (*x)->unit, (*x)->calendar}));
  return run.error(errc::type, fmt::format("a sign needs a number or a Quantity, not {}", type_name_of(a)), at);
}

}  // namespace dsf::fhir::path
