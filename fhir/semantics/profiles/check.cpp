// Checks a resource against a compiled profile: cardinality, slices, and what is said of each value (dsf-fhir-server 4.5).
#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/profiles/check_impl.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_nesting = 8;

constexpr std::string_view rest_slice = "@default";
constexpr std::string_view core = "http://hl7.org/fhir/StructureDefinition/";

const element_rule* find_slice(const element_rule& rule, std::string_view name) {
  const auto at = std::ranges::find(rule.slices, name, &element_rule::slice);
  return at == rule.slices.end() ? nullptr : &*at;
}

}  // namespace

void check_run::check(const profile& p) {
  const bool outermost = path_.empty();
  if (outermost) path_.push_back({p.type(), -1});
  value_of(p, {resource_, nullptr, nullptr});
  if (outermost) path_.pop_back();
}

void check_run::value_of(const profile& p, const value_ref& v) {
  const auto* before = std::exchange(profile_, &p);
  ++nesting_;
  if (!p.fault().empty())
    fault(p.root(), "structure", [&] { return fmt::format("the profile can't be used: {}", p.fault()); });
  else
    value(p.root(), v);
  --nesting_;
  profile_ = before;
}

std::string check_run::path() const {
  std::string out;
  for (const auto& s : path_) {
    if (!out.empty()) out += '.';
    out += s.name;
    if (s.index >= 0) out += fmt::format("[{}]", s.index);
  }
  return out;
}

void check_run::put(std::string_view severity, std::string_view code, std::string path, std::string text) {
  if (issues_.size() < limit_) issues_.push_back({std::string(severity), std::string(code), std::move(path), std::move(text)});
}

// The recursion children -> element -> value -> children is bounded by the profile's depth, and by max_nesting profiles.
void check_run::children(const element_rule& rule, const value_ref& parent) {
  for (const auto& child : rule.children) element(child, parent);
}

// The values of an element, at the end of found_; how many.
std::size_t check_run::gather(const element_rule& rule, const value_ref& parent) {
  const auto before = found_.size();
  // What a primitive has besides its value stands in its sibling.
  const auto* holder = parent.value && parent.value->is_object() ? parent.value : parent.sibling;
  if (!holder) return 0;
  for (const auto& form : rule.forms) {
    const auto* value = holder->find(form.member);
    const base::json* sibling = nullptr;
    if (form.type && form.type->kind == type_kind::primitive)
      if (const auto* members = holder->if_object())
        for (const auto& [name, v] : *members)
          if (name.size() == form.member.size() + 1 && name[0] == '_' && std::string_view(name).substr(1) == form.member) sibling = &v;
    if (!value && !sibling) continue;
    const auto* list = value ? value : sibling;
    if (!list->is_array()) {
      found_.push_back({{value, sibling, &form}, -1});
      continue;
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto* item = value ? &(*value)[i] : nullptr;
      const auto* other = sibling ? &(*sibling)[i] : nullptr;
      found_.push_back({{item && !item->is_null() ? item : nullptr, other && !other->is_null() ? other : nullptr, &form},
                        static_cast<std::ptrdiff_t>(i)});
    }
  }
  return found_.size() - before;
}

// One element with all its slices.
void check_run::element(const element_rule& rule, const value_ref& parent) {
  const auto begin = found_.size();
  const auto count = gather(rule, parent);
  path_.push_back({rule.name, -1});
  cardinality(rule, count);
  for (auto i = begin; i < begin + count; ++i) {
    // found_ grows below, so nothing of it is kept.
    const auto at = found_[i];
    path_.back() = {at.v.form->member, at.index};
    value(rule, at.v);
  }
  path_.back() = {rule.name, -1};
  if (!rule.slices.empty() || rule.closed) slices(rule, begin, begin + count);
  path_.pop_back();
  found_.resize(begin);
}

void check_run::slices(const element_rule& rule, std::size_t begin, std::size_t end) {
  const std::function<bool(const value_ref&, const std::string&)> conform = [this](const auto& v, const auto& p) { return conforms(v, p); };
  const slice_scope scope{*resource_, conform};
  const auto place = [&](std::size_t i) { path_.back() = {found_[i].v.form->member, found_[i].index}; };
  const element_rule* last = nullptr;
  std::ptrdiff_t loose = -1;  // the first value of no slice
  for (auto i = begin; i < end; ++i) {
    const element_rule* mine = nullptr;
    for (const auto& slice : rule.slices) {
      if (slice.slice == rest_slice) continue;
      if (in_slice(slice, found_[i].v, scope)) {
        mine = &slice;
        break;
      }
    }
    // R4 profiling.html, "Default Slice": the rules for what is in no other slice.
    const auto* rest = mine ? nullptr : find_slice(rule, rest_slice);
    if (rest) mine = rest;
    found_[i].slice = mine;
    place(i);
    if (!mine) {
      if (rule.closed && !DSF_MUTANT("fhir.closed_slicing_ignored"))
        fault(rule, "structure", [&] { return std::string("matches no slice, and the slicing is closed"); });
      if (loose < 0) loose = static_cast<std::ptrdiff_t>(i - begin);
      continue;
    }
    if (rest) continue;
    if (rule.ordered && last && mine < last)
      fault(rule, "structure", [&] { return fmt::format("slice {} must stand before slice {}", mine->slice, last->slice); });
    // The reference accepts what stands before a slice of openAtEnd, so it is told and not refused.
    if (rule.open_at_end && loose >= 0)
      fault(rule, "structure", [&] { return fmt::format("slice {} must stand before values of no slice", mine->slice); }, "warning");
    last = mine;
  }
  // The values of a slice are a list of their own for its cardinality and its own slices.
  for (const auto& slice : rule.slices) {
    std::size_t count = 0;
    for (auto i = begin; i < end; ++i) {
      if (found_[i].slice != &slice) continue;
      ++count;
      const auto at = found_[i];
      path_.back() = {at.v.form->member, at.index};
      value(slice, at.v);
    }
    path_.back() = {rule.name, -1};
    cardinality(slice, count);
    if (slice.slices.empty() && !slice.closed) continue;
    const auto inner = found_.size();
    for (auto i = begin; i < end; ++i)
      if (found_[i].slice == &slice) {
        const auto copy = found_[i];
        found_.push_back(copy);
      }
    slices(slice, inner, found_.size());
    found_.resize(inner);
    path_.back() = {rule.name, -1};
  }
}

void check_run::cardinality(const element_rule& rule, std::size_t count) {
  if (DSF_MUTANT("fhir.profile_cardinality_ignored")) return;
  if (rule.min && count < *rule.min)
    fault(rule, "structure", [&] { return fmt::format("minimum required = {}, but only found {}", *rule.min, count); });
  if (rule.max && count > *rule.max)
    fault(rule, "structure", [&] { return fmt::format("max allowed = {}, but found {}", *rule.max, count); });
}

void check_run::value(const element_rule& rule, const value_ref& v) {
  fixed_parts(rule, v);
  if (v.form && !rule.types.empty() && (rule.forms.size() > 1 || rule.choice) &&
      std::ranges::find(rule.types, v.form->code) == rule.types.end())
    fault(rule, "structure",
          [&] { return fmt::format("the type {} is not allowed here; use {}", v.form->code, fmt::join(rule.types, " or ")); });
  // An element that may be any resource is narrowed by the resource's own type.
  if (v.form && !v.form->type && !rule.types.empty() && v.value && v.value->find("resourceType") &&
      std::ranges::find(rule.types, (*v.value)["resourceType"].str()) == rule.types.end())
    fault(rule, "structure", [&] { return fmt::format("a {} is not allowed here", (*v.value)["resourceType"].str()); });
  if (v.value) {
    limits(rule, *v.value);
    if (rule.codes) binding(rule, *v.value);
    if (!rule.targets.empty()) target(rule, *v.value);
  }
  if (!rule.type_profiles.empty()) type_profiles(rule, v);
  if (!rule.invariants.empty()) invariants(rule, v);
  children(rule, v);
}

// Profiles of a type: one of them has to fit.
void check_run::type_profiles(const element_rule& rule, const value_ref& v) {
  if (nesting_ >= max_nesting) return;
  std::vector<std::shared_ptr<const profile>> known;
  for (const auto& canonical : rule.type_profiles) {
    auto p = conformance_.profile_of(canonical);
    if (!p) {
      // A profile of R4 itself is its type; any other may say anything.
      if (!canonical.starts_with(core))
        fault(
            rule, "structure", [&] { return fmt::format("the profile {} is not known here and was not looked at", canonical); }, "warning");
      return;
    }
    known.push_back(std::move(p));
  }
  // An extension is looked at with the definition of its url when extensions are.
  if (rule.name == "extension" || rule.name == "modifierExtension") return;
  if (known.size() == 1) return value_of(*known[0], v);
  for (const auto& canonical : rule.type_profiles)
    if (conforms(v, canonical)) return;
  fault(rule, "structure", [&] { return fmt::format("conforms to none of {}", fmt::join(rule.type_profiles, ", ")); });
}

bool check_run::conforms(const value_ref& v, const std::string& canonical) {
  const auto known = conformance_.profile_of(canonical);
  if (!known) return canonical == std::string(core) + (v.form ? v.form->code : std::string{});
  if (nesting_ >= max_nesting) return false;
  const auto before = faults_;
  ++quiet_;
  value_of(*known, v);
  --quiet_;
  const bool good = faults_ == before;
  faults_ = before;
  return good;
}

void check_run::invariants(const element_rule& rule, const value_ref& v) {
  const invariant_place place{*resource_, v.value, v.sibling, v.form ? v.form->type : find_type((*resource_)["resourceType"].str())};
  for (const auto& i : rule.invariants) {
    if (!i.fault.empty()) {
      fault(rule, "invariant", [&] { return fmt::format("constraint {} is not understood: {}", i.key, i.fault); }, "warning");
      continue;
    }
    const auto verdict = holds(i, place);
    if (verdict && *verdict) continue;
    const std::string_view severity = i.error && verdict ? "error" : "warning";
    fault(
        rule, "invariant",
        [&] {
          return verdict ? fmt::format("Constraint failed: {}: {}", i.key, i.human)
                         : fmt::format("Constraint {} could not be decided: {}", i.key, verdict.error().to_string());
        },
        severity);
  }
}

std::vector<issue> check_profile(const base::json& resource, const profile& against, const conformance_cache& conformance,
                                 std::size_t limit) {
  check_run run(resource, conformance, limit);
  run.check(against);
  return std::move(run).take();
}

}  // namespace dsf::fhir
