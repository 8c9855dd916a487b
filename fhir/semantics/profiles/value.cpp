// What a profile says of one value: fixed and pattern, limits, required binding, target of a reference.
#include <algorithm>
#include <charconv>

#include "base/mutant.hpp"
#include "fhir/semantics/profiles/check_impl.hpp"
#include "fhir/semantics/profiles/codes.hpp"

namespace dsf::fhir {
namespace {

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Decimal texts by value: sign, then digits before and after the point. An exponent makes them a double.
int compare_numbers(std::string_view a, std::string_view b) {
  const auto split = [](std::string_view t) {
    struct parts {
      bool negative = false;
      std::string_view whole, rest;
    } out;
    if (t.starts_with('-')) out.negative = true, t.remove_prefix(1);
    const auto point = t.find('.');
    out.whole = t.substr(0, point);
    out.rest = point == t.npos ? std::string_view{} : t.substr(point + 1);
    while (out.whole.size() > 1 && out.whole[0] == '0') out.whole.remove_prefix(1);
    while (out.rest.ends_with('0')) out.rest.remove_suffix(1);
    if (out.whole == "0" && out.rest.empty()) out.negative = false;
    return out;
  };
  if (a.find_first_of("eE") != a.npos || b.find_first_of("eE") != b.npos) {
    double x = 0, y = 0;
    std::from_chars(a.data(), a.data() + a.size(), x);
    std::from_chars(b.data(), b.data() + b.size(), y);
    return x < y ? -1 : x > y;
  }
  const auto x = split(a), y = split(b);
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  int out = 0;
  if (x.whole.size() != y.whole.size())
    out = x.whole.size() < y.whole.size() ? -1 : 1;
  else if (const auto c = x.whole.compare(y.whole); c != 0)
    out = c;
  else
    out = x.rest.compare(y.rest);
  return x.negative ? -out : out;
}

// Nothing where the two can't be compared: other types, dates of other precision.
std::optional<int> compare(const base::json& a, const base::json& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a.if_number()->text, b.if_number()->text);
  if (a.is_string() && b.is_string()) {
    // Dates and times as far as both are said; with time zones only what has the same one.
    const std::string_view x = a.str(), y = b.str();
    const bool date_only = x.size() <= 10 || y.size() <= 10;
    const auto n = std::min({x.size(), y.size(), date_only ? std::size_t{10} : x.size()});
    if (!date_only && x.substr(std::min<std::size_t>(19, x.size())) != y.substr(std::min<std::size_t>(19, y.size()))) return {};
    const int c = x.substr(0, n).compare(y.substr(0, n));
    return c < 0 ? -1 : c > 0;
  }
  // Quantities of one unit.
  if (a.is_object() && b.is_object() && a["system"] == b["system"] && a["code"] == b["code"] && a["value"].is_number() &&
      b["value"].is_number())
    return compare(a["value"], b["value"]);
  return {};
}

}  // namespace

void check_run::fixed_parts(const element_rule& rule, const value_ref& v) {
  static const base::json nothing;
  if (rule.fixed.is_null() && rule.pattern.is_null()) return;
  const auto& is = v.value ? *v.value : nothing;
  if (!rule.fixed.is_null() && !equal_values(is, rule.fixed) && !DSF_MUTANT("fhir.profile_fixed_value_ignored"))
    fault(rule, "value", [&] { return fmt::format("Value is '{}' but must be '{}'", shown(is), shown(rule.fixed)); });
  if (!rule.pattern.is_null() && !fits_pattern(is, rule.pattern))
    fault(rule, "value", [&] { return fmt::format("Value '{}' does not fit the pattern '{}'", shown(is), shown(rule.pattern)); });
}

void check_run::limits(const element_rule& rule, const base::json& v) {
  if (rule.max_length && v.is_string() && characters(v.str()) > *rule.max_length)
    fault(rule, "too-long",
          [&] { return fmt::format("has {} characters; at most {} are allowed", characters(v.str()), *rule.max_length); });
  if (!rule.min_value.is_null())
    if (const auto c = compare(v, rule.min_value); c && *c < 0)
      fault(rule, "value", [&] { return fmt::format("{} is less than the minimum {}", shown(v), shown(rule.min_value)); });
  if (!rule.max_value.is_null())
    if (const auto c = compare(v, rule.max_value); c && *c > 0)
      fault(rule, "value", [&] { return fmt::format("{} is more than the maximum {}", shown(v), shown(rule.max_value)); });
}

// R4 terminologies.html 4.1.5.1: of a CodeableConcept one coding has to be in the value set.
void check_run::binding(const element_rule& rule, const base::json& v) {
  if (DSF_MUTANT("fhir.profile_binding_ignored")) return;
  const auto has = [&](const base::json& coding) { return rule.codes->contains(coding["system"].str(), coding["code"].str()); };
  bool good = false;
  std::string what;
  if (v.is_string()) {
    good = rule.codes->contains_code(v.str());
  } else if (v.find("coding") || v.find("text")) {
    good = std::ranges::any_of(v["coding"], has);
  } else {
    good = has(v);
  }
  if (!good)
    fault(rule, "code-invalid", [&] {
      return fmt::format("'{}' is not in the value set {}", shown(v.find("coding") ? v["coding"] : v), rule.required_value_set);
    });
}

// What the reference says of its target; the target itself is looked for elsewhere (dsf-fhir-server 4.2).
void check_run::target(const element_rule& rule, const base::json& v) {
  const auto wrong = [&](std::string_view type) {
    if (type.empty() || std::ranges::find(rule.targets, type) != rule.targets.end()) return;
    fault(rule, "structure", [&] { return fmt::format("refers to a {}; {} is allowed", type, fmt::join(rule.targets, " or ")); });
  };
  if (!v.is_object()) return;
  const auto& reference = v["reference"].str();
  if (const auto* inside = target_inside(*resource_, reference)) return wrong((*inside)["resourceType"].str());
  if (const auto type = type_in_reference(reference); !type.empty()) return wrong(type);
  wrong(v["type"].str());
}

}  // namespace dsf::fhir
