#include "fhir/path/compare.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/mutant.hpp"
#include "fhir/path/text.hpp"

namespace dsf::fhir::path {
namespace {

using base::json;

// Complex elements: the same members with equal values; numbers by value, lists in order. The depth is bounded by that of JSON.
bool same_json(const json& a, const json& b) {
  if (const auto* x = a.if_object()) {
    const auto* y = b.if_object();
    return y && x->size() == y->size() && std::ranges::all_of(*x, [&](const auto& m) {
             const auto* other = b.find(m.first);
             return other && same_json(m.second, *other);
           });
  }
  if (const auto* x = a.if_array()) {
    const auto* y = b.if_array();
    return y && std::ranges::equal(*x, *y, same_json);
  }
  if (const auto* x = a.if_number())
    if (const auto* y = b.if_number()) {
      const auto m = decimal::parse(x->text), n = decimal::parse(y->text);
      return m && n ? *m == *n : x->text == y->text;
    }
  return a == b;
}

// Equivalence of complex elements: strings folded, lists in any order.
bool alike_json(const json& a, const json& b) {
  if (const auto* x = a.if_object()) {
    const auto* y = b.if_object();
    return y && x->size() == y->size() && std::ranges::all_of(*x, [&](const auto& m) {
             const auto* other = b.find(m.first);
             return other && alike_json(m.second, *other);
           });
  }
  if (const auto* x = a.if_array()) {
    const auto* y = b.if_array();
    if (!y || x->size() != y->size()) return false;
    std::vector<bool> taken(y->size());
    return std::ranges::all_of(*x, [&](const json& m) {
      for (std::size_t i = 0; i < y->size(); ++i)
        if (!taken[i] && alike_json(m, (*y)[i])) return taken[i] = true, true;
      return false;
    });
  }
  if (a.is_string() && b.is_string()) return folded(a.str()) == folded(b.str());
  return same_json(a, b);
}

const json& value_or_null(const json* j) {
  static const json none;
  return j ? *j : none;
}

bool is_text(const item& i) { return std::holds_alternative<std::string>(i); }

std::optional<quantity> quantity_in(const item& i) {
  if (const auto* q = std::get_if<quantity_ptr>(&i)) return **q;
  if (const auto n = number_in(i)) return quantity{*n, "1", false};
  return {};
}

bool is_quantity(const item& i) { return std::holds_alternative<quantity_ptr>(i); }

std::optional<bool> is_equal(const std::optional<std::strong_ordering>& o) {
  return o ? std::optional(*o == std::strong_ordering::equal) : std::nullopt;
}

// Two System values.
std::optional<bool> equal_values(const item& a, const item& b) {
  const auto x = number_in(a), y = number_in(b);
  if (x && y) return *x == *y;
  if (is_quantity(a) || is_quantity(b)) {
    const auto p = quantity_in(a), q = quantity_in(b);
    if (!p || !q) return false;
    return is_equal(compare(*p, *q));
  }
  if (a.index() != b.index()) return false;
  if (const auto* t = std::get_if<temporal>(&a)) {
    const auto& u = std::get<temporal>(b);
    if ((t->kind == temporal_kind::time) != (u.kind == temporal_kind::time)) return false;
    const auto out = is_equal(compare(*t, u));
    if (!out && DSF_MUTANT("fhir.path_precision_ignored")) return false;
    return out;
  }
  if (const auto* t = std::get_if<std::shared_ptr<const type_ref>>(&a)) return **t == *std::get<std::shared_ptr<const type_ref>>(b);
  if (const auto* t = string_in(a)) return *t == *string_in(b);
  return std::holds_alternative<bool>(a) && std::get<bool>(a) == std::get<bool>(b);
}

}  // namespace

std::optional<bool> equal(const item& a, const item& b) {
  const auto x = system_value(a), y = system_value(b);
  const auto* e = std::get_if<element>(&a);
  const auto* f = std::get_if<element>(&b);
  // Two FHIR quantities that UCUM can't compare may still be the same element.
  if (e && f && e->value && f->value && e->value->is_object())
    if (same_json(*e->value, *f->value)) return true;
  if (x && y) return equal_values(*x, *y);
  if (e && f && !x && !y)
    return same_json(value_or_null(e->value), value_or_null(f->value)) && same_json(value_or_null(e->sibling), value_or_null(f->sibling));
  return false;
}

std::optional<bool> equal(const collection& a, const collection& b) {
  if (a.empty() || b.empty()) return {};
  if (a.size() != b.size()) return false;
  bool unknown = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto same = equal(a[i], b[i]);
    if (same && !*same) return false;
    if (!same) unknown = true;
  }
  return unknown ? std::nullopt : std::optional(true);
}

bool equivalent(const item& a, const item& b) {
  const auto x = system_value(a), y = system_value(b);
  if (x && y) {
    if (is_text(*x) && is_text(*y)) return folded(std::get<std::string>(*x)) == folded(std::get<std::string>(*y));
    const auto m = number_in(*x), n = number_in(*y);
    if (m && n) {
      // Rounded to the digits of the less precise one; trailing zeros are no digits (N1, 6.1.2).
      const auto scale = std::min(m->significant_scale(), n->significant_scale());
      return m->rounded(scale) == n->rounded(scale);
    }
    if (is_quantity(*x) || is_quantity(*y)) {
      const auto p = quantity_in(*x), q = quantity_in(*y);
      if (p && q && equivalent(*p, *q)) return true;
      if (!std::holds_alternative<element>(a) || !std::holds_alternative<element>(b)) return false;
    } else {
      return equal_values(*x, *y).value_or(false);
    }
  }
  const auto* e = std::get_if<element>(&a);
  const auto* f = std::get_if<element>(&b);
  return e && f && alike_json(value_or_null(e->value), value_or_null(f->value)) &&
         alike_json(value_or_null(e->sibling), value_or_null(f->sibling));
}

result<bool> equivalent(evaluation& run, const collection& a, const collection& b) {
  if (a.size() != b.size()) return false;
  TRY(run.spend(a.size() * b.size()));
  std::vector<bool> taken(b.size());
  for (const auto& i : a) {
    bool found = false;
    for (std::size_t k = 0; k < b.size() && !found; ++k)
      if (!taken[k] && equivalent(i, b[k])) found = taken[k] = true;
    if (!found) return false;
  }
  return true;
}

ordering_result order(const item& a, const item& b) {
  const auto x = system_value(a), y = system_value(b);
  if (!x || !y) {
    // A primitive without a value orders like nothing; anything complex does not order.
    const auto valueless = [](const item& i, const std::optional<item>& v) {
      const auto* e = std::get_if<element>(&i);
      return !v && e && e->type && e->type->kind == type_kind::primitive;
    };
    return valueless(a, x) || valueless(b, y) ? ordering_result{} : ordering_result{{}, ordering_fault::types};
  }
  const auto m = number_in(*x), n = number_in(*y);
  if (m && n) return {*m <=> *n};
  if (is_text(*x) && is_text(*y)) return {std::get<std::string>(*x) <=> std::get<std::string>(*y)};
  const auto* t = std::get_if<temporal>(&*x);
  const auto* u = std::get_if<temporal>(&*y);
  if (t && u && (t->kind == temporal_kind::time) == (u->kind == temporal_kind::time)) return {compare(*t, *u)};
  if (is_quantity(*x) || is_quantity(*y)) {
    const auto p = quantity_in(*x), q = quantity_in(*y);
    if (p && q) return {compare(*p, *q)};
  }
  return {{}, ordering_fault::types};
}

namespace {

// The one text by which two such items are equal exactly if the texts are; nothing for other items.
std::optional<std::string_view> plain_text(const item& i) {
  if (const auto* s = std::get_if<std::string>(&i)) return *s;
  const auto* e = std::get_if<element>(&i);
  if (!e || !e->value || !e->value->is_string() || !e->type) return {};
  switch (e->type->primitive) {
    case primitive::none:
    case primitive::date:
    case primitive::date_time:
    case primitive::instant:
    case primitive::time: return {};
    default: return e->value->str();
  }
}

}  // namespace

result<collection> distinct(evaluation& run, collection c) {
  collection out;
  if (std::ranges::all_of(c, [](const item& i) { return plain_text(i).has_value(); })) {
    TRY(run.spend(c.size()));
    std::unordered_set<std::string> seen;
    for (auto& i : c)
      if (seen.emplace(*plain_text(i)).second) out.push_back(std::move(i));
    return out;
  }
  for (auto& i : c)
    if (!TRY(holds(run, out, i))) out.push_back(std::move(i));
  return out;
}

result<bool> holds(evaluation& run, const collection& c, const item& i) {
  TRY(run.spend(c.size()));
  return std::ranges::any_of(c, [&](const item& o) { return equal(o, i).value_or(false); });
}

}  // namespace dsf::fhir::path
