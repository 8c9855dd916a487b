#include "fhir/path/quantity.hpp"

#include <algorithm>
#include <array>

#include "fhir/path/units.hpp"

namespace dsf::fhir::path {
namespace {

struct calendar_row {
  std::string_view word, plural, ucum;
  duration_unit unit;
  int months;              // of year and month
  std::int64_t days;       // as N1, 5.5 (toQuantity) converts: 365 and 30
};
constexpr std::array<calendar_row, 8> calendar{{
    {"year", "years", "a", duration_unit::year, 12, 365},
    {"month", "months", "mo", duration_unit::month, 1, 30},
    {"week", "weeks", "wk", duration_unit::week, 0, 0},
    {"day", "days", "d", duration_unit::day, 0, 0},
    {"hour", "hours", "h", duration_unit::hour, 0, 0},
    {"minute", "minutes", "min", duration_unit::minute, 0, 0},
    {"second", "seconds", "s", duration_unit::second, 0, 0},
    {"millisecond", "milliseconds", "ms", duration_unit::millisecond, 0, 0},
}};

const calendar_row* row_of(const quantity& q) {
  if (!q.calendar) return nullptr;
  const auto it = std::ranges::find(calendar, q.unit, &calendar_row::word);
  return it == calendar.end() ? nullptr : &*it;
}

std::string_view ucum_of(const quantity& q) {
  const auto* row = row_of(q);
  return row ? row->ucum : std::string_view(q.unit);
}

// Value in base units; calendar years and months as days when `calendar_days`.
struct measured {
  rational value;
  std::map<std::string, int> powers;
};

std::optional<measured> measure(const quantity& q, bool calendar_days) {
  const auto* row = row_of(q);
  if (row && row->days > 0 && calendar_days) return measured{rational_of(q.value) * row->days * 86'400, {{"s", 1}}};
  auto form = unit_of(ucum_of(q));
  if (!form) return {};
  return measured{rational_of(q.value) * form->factor + form->offset, std::move(form->powers)};
}

bool indefinite(const quantity& q) {
  const auto* row = row_of(q);
  return row && row->months > 0;
}

struct both {
  rational a, b;
};

// The two in one unit, or nothing. `loose`: year is as good as 'a'.
std::optional<both> aligned(const quantity& a, const quantity& b, bool loose) {
  if (a.calendar == b.calendar && a.unit == b.unit) return both{rational_of(a.value), rational_of(b.value)};
  if (indefinite(a) && indefinite(b)) return both{rational_of(a.value) * row_of(a)->months, rational_of(b.value) * row_of(b)->months};
  const bool calendar_days = a.calendar && b.calendar;
  if (!calendar_days && !loose && (indefinite(a) || indefinite(b))) return {};
  auto x = measure(a, calendar_days), y = measure(b, calendar_days);
  if (!x || !y || x->powers != y->powers) return {};
  return both{std::move(x->value), std::move(y->value)};
}

}  // namespace

std::string quantity::to_string() const { return calendar ? value.to_string() + " " + unit : value.to_string() + " '" + unit + "'"; }

std::string_view calendar_unit(std::string_view word) {
  for (const auto& row : calendar)
    if (word == row.word || word == row.plural) return row.word;
  return {};
}

std::optional<duration_unit> duration_of(const quantity& q) {
  if (const auto* row = row_of(q)) return row->unit;
  for (const auto& row : calendar)
    if (q.unit == row.ucum && row.months == 0) return row.unit;
  return {};
}

std::optional<std::strong_ordering> compare(const quantity& a, const quantity& b) {
  const auto values = aligned(a, b, false);
  if (!values) return {};
  return values->a < values->b   ? std::strong_ordering::less
         : values->a > values->b ? std::strong_ordering::greater
                                 : std::strong_ordering::equal;
}

bool equivalent(const quantity& a, const quantity& b) {
  const auto values = aligned(a, b, true);
  if (!values) return false;
  if (values->a == values->b) return true;
  // The value that was given with fewer digits decides how exact the other has to be; it is asked in that one's unit.
  const auto& coarse = a.value.significant_scale() <= b.value.significant_scale() ? a : b;
  const auto& fine = &coarse == &a ? b : a;
  const auto& coarse_base = &coarse == &a ? values->a : values->b;
  const auto& fine_base = &coarse == &a ? values->b : values->a;
  if (coarse.value.zero() || coarse_base == 0) return false;
  const auto in_coarse = decimal_of(fine_base * rational_of(coarse.value) / coarse_base);
  if (!in_coarse) return false;
  const auto scale = coarse.unit == fine.unit && coarse.calendar == fine.calendar ? coarse.value.significant_scale() : coarse.value.scale();
  return in_coarse->rounded(scale) == coarse.value.rounded(scale);
}

std::optional<quantity> converted(const quantity& q, const quantity& unit) {
  const auto values = aligned(q, {decimal(1), unit.unit, unit.calendar}, false);
  if (!values || values->b == 0) return {};
  const auto value = decimal_of(values->a / values->b);
  return value ? std::optional(quantity{*value, unit.unit, unit.calendar}) : std::nullopt;
}

std::optional<quantity> add(const quantity& a, const quantity& b, bool subtract_b) {
  if (a.unit == b.unit && a.calendar == b.calendar) {
    const auto sum = subtract_b ? subtract(a.value, b.value) : add(a.value, b.value);
    return sum ? std::optional(quantity{*sum, a.unit, a.calendar}) : std::nullopt;
  }
  const auto values = aligned(a, b, false);
  if (!values) return {};
  // In the finer of the two units (N1, 6.6.3): the one whose single unit is smaller.
  const auto x = aligned({decimal(1), a.unit, a.calendar}, {decimal(1), b.unit, b.calendar}, false);
  const bool first = x->a <= x->b;
  const auto& unit = first ? a : b;
  const auto sum = (subtract_b ? rational(values->a - values->b) : rational(values->a + values->b)) / (first ? x->a : x->b);
  const auto value = decimal_of(sum);
  return value ? std::optional(quantity{*value, unit.unit, unit.calendar}) : std::nullopt;
}

namespace {

std::optional<quantity> combine(const quantity& a, const quantity& b, bool divides) {
  const auto plain = [&](const decimal& x, const decimal& y) { return divides ? divide(x, y) : multiply(x, y); };
  if (divides && b.value.zero()) return {};
  if (!b.calendar && b.unit == "1") {
    const auto v = plain(a.value, b.value);
    return v ? std::optional(quantity{*v, a.unit, a.calendar}) : std::nullopt;
  }
  if (!divides && !a.calendar && a.unit == "1") return combine(b, a, false);
  if (divides && a.unit == b.unit && a.calendar == b.calendar) {
    const auto v = divide(a.value, b.value);
    return v ? std::optional(quantity{*v, "1", false}) : std::nullopt;
  }
  const auto x = measure(a, false), y = measure(b, false);
  if (!x || !y || (divides && y->value == 0)) return {};
  auto powers = x->powers;
  for (const auto& [base, n] : y->powers) {
    auto& sum = powers[base];
    sum += divides ? -n : n;
    if (sum == 0) powers.erase(base);
  }
  const auto value = decimal_of(divides ? rational(x->value / y->value) : rational(x->value * y->value));
  return value ? std::optional(quantity{*value, code_of(powers), false}) : std::nullopt;
}

}  // namespace

std::optional<quantity> multiply(const quantity& a, const quantity& b) { return combine(a, b, false); }
std::optional<quantity> divide(const quantity& a, const quantity& b) { return combine(a, b, true); }

}  // namespace dsf::fhir::path
