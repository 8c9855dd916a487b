// FHIRPath N1, 5.5: conversion.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/path/compare.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/text.hpp"

namespace dsf::fhir::path {
namespace {

using maybe = std::optional<item>;

result<collection> iif(call& c) {
  if (c.input.size() > 1) return c.error(errc::cardinality, fmt::format("iif() takes at most one item, not {}", c.input.size()));
  // The item of the input is $this, as in where(); an empty input leaves $this of the place where iif() stands.
  scope inner = c.in;
  if (!c.input.empty()) inner.self = &c.input;
  const auto test = TRY(c.run.run(c.node.operands[1], inner));
  const auto yes = TRY(boolean_of(c.run, test, c.node)).value_or(false);
  if (yes) return c.run.run(c.node.operands[2], inner);
  return c.arguments() > 2 ? c.run.run(c.node.operands[3], inner) : collection{};
}

bool digits(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view unsigned_part(std::string_view s) { return s.starts_with('-') || s.starts_with('+') ? s.substr(1) : s; }

maybe to_boolean(const item& v) {
  if (std::holds_alternative<bool>(v)) return v;
  if (const auto* s = string_in(v)) {
    const auto l = lower(*s);
    for (const auto yes : {"true", "t", "yes", "y", "1", "1.0"})
      if (l == yes) return item(true);
    for (const auto no : {"false", "f", "no", "n", "0", "0.0"})
      if (l == no) return item(false);
    return {};
  }
  if (const auto n = number_in(v)) {
    if (*n == decimal(1)) return item(true);
    if (*n == decimal(0)) return item(false);
  }
  return {};
}

maybe to_integer(const item& v) {
  if (std::holds_alternative<std::int32_t>(v)) return v;
  if (const auto* b = std::get_if<bool>(&v)) return item(std::int32_t{*b});
  if (const auto* s = string_in(v); s && digits(unsigned_part(*s))) {
    const auto d = decimal::parse(*s);
    const auto n = d ? d->as_integer() : std::nullopt;
    if (n) return item(*n);
  }
  return {};
}

maybe to_decimal(const item& v) {
  if (std::holds_alternative<decimal>(v)) return v;
  if (const auto* n = std::get_if<std::int32_t>(&v)) return item(decimal(*n));
  if (const auto* b = std::get_if<bool>(&v)) return item(decimal(*b ? 1 : 0).widened(1).value());
  if (const auto* s = string_in(v)) {
    // (\+|-)?\d+(\.\d+)?
    const auto bare = unsigned_part(*s);
    const auto point = bare.find('.');
    if (digits(bare.substr(0, point)) && (point == bare.npos || digits(bare.substr(point + 1))))
      if (const auto d = decimal::parse(*s)) return item(*d);
  }
  return {};
}

maybe to_temporal(const item& v, temporal_kind kind) {
  if (const auto* t = std::get_if<temporal>(&v)) {
    if (t->kind == kind) return v;
    if (t->kind == temporal_kind::time || kind == temporal_kind::time) return {};
    return item(t->as(kind));
  }
  const auto* s = string_in(v);
  if (!s) return {};
  if (kind == temporal_kind::time) {
    if (const auto t = temporal::parse(s->starts_with('T') ? std::string_view(*s).substr(1) : *s, kind)) return item(*t);
    return {};
  }
  if (const auto t = temporal::parse(*s, temporal_kind::date_time)) return item(t->as(kind));
  return {};
}
maybe to_date(const item& v) { return to_temporal(v, temporal_kind::date); }
maybe to_date_time(const item& v) { return to_temporal(v, temporal_kind::date_time); }
maybe to_time(const item& v) { return to_temporal(v, temporal_kind::time); }

// (\+|-)?\d+(\.\d+)? followed by 'unit' or a word of the calendar
maybe to_quantity(const item& v) {
  if (std::holds_alternative<quantity_ptr>(v)) return v;
  if (const auto n = number_in(v)) return make_item({*n, "1", false});
  if (const auto* b = std::get_if<bool>(&v)) return make_item({decimal(*b ? 1 : 0).widened(1).value(), "1", false});
  const auto* s = string_in(v);
  if (!s) return {};
  std::string_view left = *s;
  const auto end = left.find_first_of(" \t\r\n'");
  const auto number = to_decimal(item(std::string(left.substr(0, end))));
  if (!number) return {};
  const auto value = std::get<decimal>(*number);
  left = end == left.npos ? std::string_view{} : left.substr(end);
  const auto start = left.find_first_not_of(" \t\r\n");
  const bool spaced = start > 0;
  left = start == left.npos ? std::string_view{} : left.substr(start);
  if (left.empty()) return end == s->npos ? maybe(make_item({value, "1", false})) : maybe();
  if (left.size() > 2 && left.front() == '\'' && left.back() == '\'' && left.find('\'', 1) == left.size() - 1)
    return make_item({value, std::string(left.substr(1, left.size() - 2)), false});
  const auto word = calendar_unit(left);
  return !word.empty() && spaced ? maybe(make_item({value, std::string(word), true})) : maybe();
}

maybe to_text(const item& v) {
  auto text = text_of(v);
  return text ? maybe(item(std::move(*text))) : maybe();
}

result<std::optional<std::string>> unit_argument(call& c) {
  if (c.arguments() == 0) return std::optional<std::string>();
  return c.text_argument(0);
}

// A quantity in the unit that the argument names.
result<maybe> in_unit(call& c, maybe v) {
  const auto unit = TRY(unit_argument(c));
  if (!v || !unit) return v;
  const auto word = calendar_unit(*unit);
  const quantity wanted{decimal(1), word.empty() ? *unit : std::string(word), !word.empty()};
  const auto& q = *std::get<quantity_ptr>(*v);
  if (q.unit == wanted.unit && q.calendar == wanted.calendar) return v;
  auto out = converted(q, wanted);
  return out ? maybe(make_item(std::move(*out))) : maybe();
}

template <maybe (*Convert)(const item&)>
result<collection> convert(call& c) {
  const auto v = TRY(c.single());
  if (!v) return collection{};
  auto out = Convert(*v);
  if constexpr (Convert == to_quantity) out = TRY(in_unit(c, std::move(out)));
  return out ? one(std::move(*out)) : collection{};
}

template <maybe (*Convert)(const item&)>
result<collection> converts(call& c) {
  const auto v = TRY(c.single());
  if (!v) return collection{};
  auto out = Convert(*v);
  if constexpr (Convert == to_quantity) out = TRY(in_unit(c, std::move(out)));
  return one(out.has_value());
}

constexpr std::array table{
    function{"iif", 2, 3, iif},
    function{"toBoolean", 0, 0, convert<to_boolean>},
    function{"convertsToBoolean", 0, 0, converts<to_boolean>},
    function{"toInteger", 0, 0, convert<to_integer>},
    function{"convertsToInteger", 0, 0, converts<to_integer>},
    function{"toDecimal", 0, 0, convert<to_decimal>},
    function{"convertsToDecimal", 0, 0, converts<to_decimal>},
    function{"toDate", 0, 0, convert<to_date>},
    function{"convertsToDate", 0, 0, converts<to_date>},
    function{"toDateTime", 0, 0, convert<to_date_time>},
    function{"convertsToDateTime", 0, 0, converts<to_date_time>},
    function{"toTime", 0, 0, convert<to_time>},
    function{"convertsToTime", 0, 0, converts<to_time>},
    function{"toQuantity", 0, 1, convert<to_quantity>},
    function{"convertsToQuantity", 0, 1, converts<to_quantity>},
    function{"toString", 0, 0, convert<to_text>},
    function{"convertsToString", 0, 0, converts<to_text>},
};

}  // namespace

std::span<const function> conversion_functions() { return table; }

}  // namespace dsf::fhir::path
