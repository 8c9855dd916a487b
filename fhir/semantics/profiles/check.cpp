// Checks a resource against a compiled profile: cardinality, fixed and pattern values, types of value[x], slices, required bindings, and
// the invariants that DSF's Task profile names (dsf-bpe 1.3).
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/rules/rule.hpp"

namespace dsf::fhir {
namespace {

struct found_value {
  const base::json* value;
  std::string path;
  std::string type;  // of value[x]: "String"
};

// A choice member of one of the types: value + "String".
bool is_choice_member(std::string_view member, std::string_view stem) {
  return member.size() > stem.size() && member.starts_with(stem) && member[stem.size()] >= 'A' && member[stem.size()] <= 'Z';
}

std::vector<found_value> values_at(const base::json& parent, const element_rule& rule, const std::string& path) {
  std::vector<found_value> out;
  const auto* members = parent.if_object();
  if (!members) return out;
  const bool choice = rule.name.ends_with("[x]");
  const auto stem = std::string_view(rule.name).substr(0, rule.name.size() - (choice ? 3 : 0));
  for (const auto& [name, value] : *members) {
    if (choice ? !is_choice_member(name, stem) : name != rule.name) continue;
    const auto type = choice ? name.substr(stem.size()) : std::string{};
    if (!value.is_array()) out.push_back({&value, path + "." + name, type});
    for (std::size_t i = 0; i < (value.is_array() ? value.size() : 0); ++i)
      out.push_back({&value[i], fmt::format("{}.{}[{}]", path, name, i), type});
  }
  return out;
}

// R4 elementdefinition.html, pattern[x]: what the pattern has must be in the value; lists need a match for each item.
bool fits_pattern(const base::json& value, const base::json& pattern) {
  if (const auto* members = pattern.if_object())
    return std::ranges::all_of(*members, [&](const auto& m) {
      const auto* other = value.find(m.first);
      return other && fits_pattern(*other, m.second);
    });
  if (pattern.is_array())
    return std::ranges::all_of(
        pattern, [&](const auto& p) { return std::ranges::any_of(value, [&](const auto& v) { return fits_pattern(v, p); }); });
  return value == pattern;
}

std::string capitalised(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  return out;
}

class check_run {
public:
  check_run(const profile& p, const conformance_cache& conformance, std::size_t limit)
      : profile_(p), conformance_(conformance), limit_(limit) {}

  // The recursion is bounded by the profile's depth.
  void children(const element_rule& rule, const base::json& element, const std::string& path) {
    for (const auto& child : rule.children)
      if (child.slice.empty()) whole(rule, child, element, path);
  }

  void invariants(const base::json& task) {
    for (const auto& key : profile_.root().constraints) {
      const auto& status = task["status"].str();
      if (key.starts_with("business-key-if-status-") && (status == "in-progress" || status == "completed" || status == "failed")) {
        if (message_inputs(task, "business-key").empty())
          add("invariant", fmt::format("Constraint failed: {}: status '{}' needs a business-key input", key, status), "Task");
      } else if (key == "identifier-if-status-draft" && status == "draft") {
        if (identifier_values(task["identifier"], names::task_sid).empty())
          add("invariant", fmt::format("Constraint failed: {}: a draft needs an identifier of system {}", key, names::task_sid), "Task");
      }
    }
  }

  std::vector<issue> take() && { return std::move(issues_); }

private:
  void add(std::string_view code, std::string text, std::string path) {
    if (issues_.size() < limit_)
      issues_.push_back(
          {"error", std::string(code), std::move(path), fmt::format("{} (from {}|{})", text, profile_.url(), profile_.version())});
  }

  void cardinality(const element_rule& rule, std::size_t count, const std::string& path) {
    if (DSF_MUTANT("fhir.profile_cardinality_ignored")) return;
    if (rule.min && count < *rule.min)
      add("structure", fmt::format("{}: minimum required = {}, but only found {}", rule.id, *rule.min, count), path);
    if (rule.max && count > *rule.max) add("structure", fmt::format("{}: max allowed = {}, but found {}", rule.id, *rule.max, count), path);
  }

  void value(const element_rule& rule, const found_value& v) {
    if (!rule.fixed.is_null() && !same_element(*v.value, rule.fixed) && !DSF_MUTANT("fhir.profile_fixed_value_ignored"))
      add("value", fmt::format("Value is '{}' but must be '{}'", shown(*v.value), shown(rule.fixed)), v.path);
    if (!rule.pattern.is_null() && !fits_pattern(*v.value, rule.pattern))
      add("value", fmt::format("Value '{}' does not fit the pattern '{}'", shown(*v.value), shown(rule.pattern)), v.path);
    if (!v.type.empty() && !rule.types.empty() && std::ranges::none_of(rule.types, [&](const auto& t) { return capitalised(t) == v.type; }))
      add("structure", fmt::format("The type {} is not allowed for {}; use {}", v.type, rule.id, fmt::join(rule.types, " or ")), v.path);
    if (!rule.required_value_set.empty()) binding(rule, v);
    children(rule, *v.value, v.path);
  }

  static std::string shown(const base::json& v) { return v.is_string() ? v.str() : v.dump(); }

  void binding(const element_rule& rule, const found_value& v) {
    const auto* codes = conformance_.value_set(rule.required_value_set);
    if (!codes) return;
    const auto has = [&](const base::json& coding) { return codes->contains(coding["system"].str() + "|" + coding["code"].str()); };
    bool good = true;
    if (v.value->find("coding"))
      good = std::ranges::any_of((*v.value)["coding"], has);
    else if (v.value->is_object())
      good = has(*v.value);
    else if (v.value->is_string())
      good = std::ranges::any_of(*codes, [&](const std::string& c) { return c.substr(c.find('|') + 1) == v.value->str(); });
    if (!good) add("code-invalid", fmt::format("None of the codings is in the value set {}", rule.required_value_set), v.path);
  }

  // One element with all its slices.
  void whole(const element_rule& parent, const element_rule& rule, const base::json& element, const std::string& path) {
    const auto values = values_at(element, rule, path);
    cardinality(rule, values.size(), path);
    for (const auto& v : values) value(rule, v);
    std::vector<bool> taken(values.size());
    bool sliced = false;
    for (const auto& slice : parent.children) {
      if (slice.name != rule.name || slice.slice.empty()) continue;
      sliced = true;
      std::size_t count = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (taken[i] || !in_slice(rule, slice, values[i])) continue;
        taken[i] = true;
        ++count;
        value(slice, values[i]);
      }
      cardinality(slice, count, path);
    }
    if (sliced && rule.slicing_rules == "closed")
      for (std::size_t i = 0; i < values.size(); ++i)
        if (!taken[i]) add("structure", fmt::format("{} matches no slice of {}, which is closed", values[i].path, rule.id), values[i].path);
  }

  bool in_slice(const element_rule& rule, const element_rule& slice, const found_value& v) const {
    if (rule.discriminators.empty()) {
      if (rule.name.ends_with("[x]")) return in_type_slice(rule, slice, v);
      // Extensions are always sliced by url (R4 profiling.html).
      if (rule.name == "extension" || rule.name == "modifierExtension") return by_path(slice, "url", v);
      return by_path(slice, "type.coding.system", v) && by_path(slice, "type.coding.code", v);
    }
    return std::ranges::all_of(rule.discriminators, [&](const slice_discriminator& d) {
      if (d.type == "type") return in_type_slice(rule, slice, v);
      if (d.type == "value" || d.type == "pattern") return by_path(slice, d.path, v);
      return false;
    });
  }

  // value[x]:valueString
  static bool in_type_slice(const element_rule& rule, const element_rule& slice, const found_value& v) {
    if (!slice.types.empty()) return std::ranges::any_of(slice.types, [&](const auto& t) { return capitalised(t) == v.type; });
    return slice.slice == rule.name.substr(0, rule.name.size() - 3) + v.type;
  }

  // The element's value at the path is the one that the slice fixes there.
  static bool by_path(const element_rule& slice, std::string_view path, const found_value& v) {
    const auto* at = &slice;
    std::string rest;
    if (path != "$this")
      for (std::string_view left = path; !left.empty();) {
        const auto dot = left.find('.');
        const auto* next = at->child(left.substr(0, dot));
        if (!next) {
          rest = left;
          break;
        }
        at = next;
        left = dot == left.npos ? std::string_view{} : left.substr(dot + 1);
      }
    const auto candidates = path == "$this" ? std::vector{v.value} : elements_below(*v.value, path);
    if (rest.empty()) {
      if (!at->fixed.is_null()) return std::ranges::any_of(candidates, [&](const auto* c) { return same_element(*c, at->fixed); });
      if (!at->pattern.is_null()) return std::ranges::any_of(candidates, [&](const auto* c) { return fits_pattern(*c, at->pattern); });
    } else if (!at->pattern.is_null() || !at->fixed.is_null()) {
      // The value is fixed further up, as patternCodeableConcept on `type`.
      const auto& wanted = at->pattern.is_null() ? at->fixed : at->pattern;
      for (const auto* w : elements_below(wanted, rest))
        if (std::ranges::any_of(candidates, [&](const auto* c) { return fits_pattern(*c, *w); })) return true;
      return false;
    }
    if (path == "url" && !slice.type_profiles.empty())
      return std::ranges::any_of(candidates, [&](const auto* c) { return split_canonical(slice.type_profiles[0]).first == c->str(); });
    return false;
  }

  static std::vector<const base::json*> elements_below(const base::json& element, std::string_view path) {
    std::vector<const base::json*> level{&element};
    while (!path.empty()) {
      const auto dot = path.find('.');
      std::vector<const base::json*> next;
      for (const auto* e : level)
        if (const auto* child = e->find(path.substr(0, dot))) {
          if (!child->is_array()) next.push_back(child);
          for (const auto& item : *child) next.push_back(&item);
        }
      level = std::move(next);
      path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
    }
    return level;
  }

  const profile& profile_;
  const conformance_cache& conformance_;
  std::size_t limit_;
  std::vector<issue> issues_;
};

}  // namespace

std::vector<issue> check_profile(const base::json& resource, const profile& against, const conformance_cache& conformance,
                                 std::size_t limit) {
  check_run run(against, conformance, limit);
  run.children(against.root(), resource, against.type());
  if (against.type() == "Task") run.invariants(resource);
  return std::move(run).take();
}

std::vector<issue> check_task_profiles(const base::json& task, const conformance_cache& conformance) {
  std::vector<issue> out;
  std::size_t i = 0;
  for (const auto& canonical : task["meta"]["profile"]) {
    const auto place = fmt::format("Task.meta.profile[{}]", i++);
    const auto known = conformance.profile_of(canonical.str());
    if (!known) {
      out.push_back(
          {"error", "structure", place, fmt::format("Profile reference '{}' has not been checked because it is unknown", canonical.str())});
      continue;
    }
    if (known->type() != "Task") {
      out.push_back({"error", "structure", place, fmt::format("Profile '{}' is for {}, not for Task", canonical.str(), known->type())});
      continue;
    }
    auto faults = check_profile(task, *known, conformance);
    std::ranges::move(faults, std::back_inserter(out));
  }
  return out;
}

}  // namespace dsf::fhir
