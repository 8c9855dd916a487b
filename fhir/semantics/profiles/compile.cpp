// StructureDefinitions to profiles (R4 profiling.html, elementdefinition.html).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "fhir/errc.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/profiles/canonicals.hpp"
#include "fhir/semantics/profiles/codes.hpp"
#include "fhir/semantics/profiles/element_paths.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/profiles/slicing.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_depth = 32;
constexpr std::size_t max_elements = 20'000;
constexpr std::string_view core = "http://hl7.org/fhir/StructureDefinition/";

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  return ec == std::errc{} && end == text.data() + text.size() ? std::optional(v) : std::nullopt;
}

const base::json* by_prefix(const base::json& element, std::string_view prefix) {
  const auto* found = typed_member(element, prefix);
  return found ? &found->second : nullptr;
}

bool any_type(const std::string& code) {
  return code == "Element" || code == "BackboneElement" || code == "Resource" || code == "DomainResource";
}

}  // namespace

class profile_compiler {
public:
  profile_compiler(const canonical_map& definitions, terminology& codes) : definitions_(definitions), codes_(codes) {}

  base::result<std::shared_ptr<const profile>> run(const std::vector<const base::json*>& chain) {
    for (const auto* definition : chain) {
      auto& p = *out_;
      p.url_ = (*definition)["url"].str();
      p.version_ = (*definition)["version"].str();
      const auto& type = (*definition)["type"].str();
      if (!p.type_.empty() && p.type_ != type) return bad(type, fmt::format("is for {}, but its base is for {}", type, p.type_));
      p.type_ = type;
      p.root_.name = p.root_.id = type;
      const auto* known = find_type(type);
      if (!known) return bad(type, fmt::format("'{}' is not a type of R4", type));
      p.root_.forms = {{type, type, known}};
      contexts(*definition);
      const auto& differential = (*definition)["differential"]["element"];
      const auto& elements = differential.size() > 0 ? differential : (*definition)["snapshot"]["element"];
      if (elements.size() > max_elements) return bad(type, fmt::format("has more than {} elements", max_elements));
      const auto paths = paths_of(elements);
      for (std::size_t i = 0; i < elements.size(); ++i) TRY(add(elements[i], paths[i]));
    }
    TRY(finish(out_->root_));
    return std::shared_ptr<const profile>(std::move(out_));
  }

private:
  base::failure bad(std::string_view id, std::string text) const {
    return base::fail(errc::invalid_resource, std::move(text), fmt::format("{}|{}#{}", out_->url_, out_->version_, id));
  }

  void contexts(const base::json& definition) {
    if (definition["context"].size() == 0) return;
    out_->contexts_.clear();
    for (const auto& c : definition["context"]) {
      // FHIRPath contexts and those inside another extension are not looked at.
      if (c["type"].str() != "element") {
        out_->contexts_.clear();
        return;
      }
      out_->contexts_.push_back(c["expression"].str());
    }
  }

  base::result<> add(const base::json& element, const element_path& path) {
    const auto& id = element_name(element);
    if (path.size() > max_depth) return bad(id, fmt::format("lies deeper than {} levels", max_depth));
    auto* at = &out_->root_;
    for (const auto& step : path) {
      // The value of a primitive: what can be said of it is said of the element.
      if (step.name == "value" && at->forms.size() == 1 && at->forms[0].type && at->forms[0].type->kind == type_kind::primitive) return {};
      auto* whole = TRY(element_below(*at, step.name, id));
      at = whole;
      // Observation.valueQuantity: the same as value[x]:valueQuantity.
      if (whole->choice && step.slice.empty() && !step.name.ends_with("[x]") && step.name != whole->name) {
        at = TRY(slice_below(*whole, step.name, id));
        narrow_to(*whole, step.name);
      }
      if (!step.slice.empty()) at = TRY(slice_below(*whole, step.slice, id));
    }
    return lay_over(*at, element, id);
  }

  // A choice whose variants are named so has no others, unless it is sliced otherwise.
  void narrow_to(element_rule& choice, std::string_view member) {
    auto& named = named_variants_[choice.id];
    if (named.empty() && (!choice.discriminators.empty() || choice.slices.size() > 1)) return;
    for (const auto& form : choice.forms)
      if (form.member == member && std::ranges::find(named, form.code) == named.end()) named.push_back(form.code);
    choice.types = named;
  }

  static std::vector<const type_info*> types_of(const element_rule& rule) {
    std::vector<const type_info*> out;
    for (const auto& form : rule.forms)
      if (form.type && (rule.types.empty() || std::ranges::find(rule.types, form.code) != rule.types.end())) out.push_back(form.type);
    if (out.empty())
      for (const auto& code : rule.types)
        if (const auto* type = find_type(code)) out.push_back(type);
    return out;
  }

  base::result<element_rule*> element_below(element_rule& parent, std::string_view step, const std::string& id) {
    auto stem = step;
    const bool choice = stem.ends_with("[x]");
    if (choice) stem.remove_suffix(3);
    element_rule made;
    for (const auto* type : types_of(parent))
      for (const auto& e : type->elements) {
        if (choice ? e.choice != stem : e.name != stem && e.choice != stem) continue;
        if (e.choice.empty()) {
          made.forms.push_back({std::string(e.name), std::string(e.type->name), e.type});
          made.name = e.name;
          continue;
        }
        made.choice = true;
        made.name = e.choice;
      }
    if (made.name.empty()) return bad(id, fmt::format("{} has no element '{}'", parent.id, step));
    // All variants, also where the path names one of them.
    if (made.choice)
      for (const auto* type : types_of(parent))
        for (const auto& e : type->elements)
          if (e.choice == made.name) made.forms.push_back({std::string(e.name), std::string(e.type->name), e.type});
    if (auto* known = parent.child(made.name)) return known;
    made.id = fmt::format("{}.{}{}", parent.id, made.name, made.choice ? "[x]" : "");
    made.sliced_here = made.choice || made.name == "extension" || made.name == "modifierExtension";
    parent.children.push_back(std::move(made));
    return &parent.children.back();
  }

  // "a/b" is the slice b of the slice a.
  base::result<element_rule*> slice_below(element_rule& whole, const std::string& name, const std::string& id) {
    auto* at = &whole;
    for (auto cut = name.find('/'); cut != name.npos; cut = name.find('/', cut + 1)) {
      auto* outer = at->slice_named(std::string_view(name).substr(0, cut));
      if (!outer) break;  // a name with a stroke in it
      at = outer;
    }
    if (auto* known = at->slice_named(name)) return known;
    element_rule made;
    made.name = whole.name;
    made.choice = whole.choice;
    made.slice = name;
    made.id = fmt::format("{}:{}", whole.id, name);
    made.forms = whole.forms;
    if (whole.choice) {
      // A slice named after a variant is of that type.
      for (const auto& form : whole.forms)
        if (form.member == name) made.types = {form.code};
    } else {
      made.types = whole.types;
    }
    if (!at->sliced_here && at->slices.empty())
      return bad(id, fmt::format("names the slice '{}' of {}, which is not sliced", name, at->id));
    at->slices.push_back(std::move(made));
    return &at->slices.back();
  }

  base::result<> lay_over(element_rule& rule, const base::json& element, const std::string& id) {
    TRY(cardinality(rule, element, id));
    TRY(values(rule, element, id));
    TRY(types(rule, element, id));
    if (const auto& binding = element["binding"]; binding["strength"].str() == "required")
      rule.required_value_set = binding["valueSet"].str();
    else if (binding.is_object() && !rule.required_value_set.empty())
      return bad(id, fmt::format("weakens the required binding to {}", rule.required_value_set));
    if (const auto* slicing = element.find("slicing")) TRY(slicing_of(rule, *slicing, id));
    for (const auto& c : element["constraint"]) {
      const auto known = std::ranges::find(rule.invariants, c["key"].str(), &invariant::key);
      auto made = make_invariant(c);
      if (known == rule.invariants.end())
        rule.invariants.push_back(std::move(made));
      else
        *known = std::move(made);
    }
    return {};
  }

  base::result<> cardinality(element_rule& rule, const base::json& element, const std::string& id) const {
    const auto was_min = rule.min.value_or(0);
    const auto was_max = rule.max;
    if (const auto* min = element.find("min")) rule.min = static_cast<std::uint32_t>(std::max<std::int64_t>(0, min->int_or(0)));
    if (const auto* max = element.find("max"); max && max->str() != "*") {
      rule.max = number_of(max->str());
      if (!rule.max) return bad(id, fmt::format("max '{}' is neither a number nor *", max->str()));
    } else if (max && was_max) {
      return bad(id, fmt::format("max '*' is more than {}, which the base allows", *was_max));
    }
    if (rule.min.value_or(0) < was_min) return bad(id, fmt::format("min {} is less than {}, which the base demands", *rule.min, was_min));
    if (was_max && *rule.max > *was_max) return bad(id, fmt::format("max {} is more than {}, which the base allows", *rule.max, *was_max));
    // A slice may be excluded in a derived profile; an element can't need more than it may have.
    if (rule.max && rule.min.value_or(0) > *rule.max) return bad(id, fmt::format("min {} is more than max {}", *rule.min, *rule.max));
    return {};
  }

  base::result<> values(element_rule& rule, const base::json& element, const std::string& id) const {
    if (const auto* fixed = by_prefix(element, "fixed")) {
      if (!rule.fixed.is_null() && !equal_values(rule.fixed, *fixed))
        return bad(id, fmt::format("fixes '{}', but the base fixes '{}'", shown(*fixed), shown(rule.fixed)));
      if (!rule.pattern.is_null() && !fits_pattern(*fixed, rule.pattern))
        return bad(id, fmt::format("fixes '{}', which does not fit the base's pattern '{}'", shown(*fixed), shown(rule.pattern)));
      rule.fixed = *fixed;
    }
    if (const auto* pattern = by_prefix(element, "pattern")) {
      if (!rule.fixed.is_null() && !fits_pattern(rule.fixed, *pattern))
        return bad(id, fmt::format("the pattern '{}' does not fit '{}', which the base fixes", shown(*pattern), shown(rule.fixed)));
      rule.pattern = *pattern;
    }
    if (const auto* least = by_prefix(element, "minValue")) rule.min_value = *least;
    if (const auto* most = by_prefix(element, "maxValue")) rule.max_value = *most;
    if (const auto* length = element.find("maxLength"))
      rule.max_length = std::min(rule.max_length.value_or(~0ull), static_cast<std::uint64_t>(std::max<std::int64_t>(0, length->int_or(0))));
    return {};
  }

  base::result<> types(element_rule& rule, const base::json& element, const std::string& id) {
    const auto& list = element["type"];
    if (list.size() == 0) return {};
    std::vector<std::string> codes, profiles, targets;
    bool any_target = false;
    for (const auto& t : list) {
      const auto& code = t["code"].str();
      if (code.starts_with("http://hl7.org/fhirpath/")) return {};
      const bool allowed = std::ranges::any_of(rule.forms, [&](const value_form& f) {
        // A backbone element's form is named after its path.
        return f.code == code || any_type(f.code) || any_type(code) || (f.type && f.type->kind == type_kind::backbone);
      });
      if (!allowed || (!rule.types.empty() && std::ranges::find(rule.types, code) == rule.types.end()))
        return bad(id, fmt::format("type {} is not among those of the base", code));
      codes.push_back(code);
      for (const auto& p : t["profile"]) profiles.push_back(p.str());
      for (const auto& target : t["targetProfile"]) any_target = !add_target(targets, target.str()) || any_target;
    }
    rule.types = std::move(codes);
    if (rule.types.size() == 1 && any_type(rule.types[0])) rule.types.clear();
    if (rule.forms.size() == 1 && rule.forms[0].type && rule.forms[0].type->kind == type_kind::backbone) rule.types.clear();
    if (!profiles.empty()) rule.type_profiles = std::move(profiles);
    if (!targets.empty() && !any_target) rule.targets = std::move(targets);
    return {};
  }

  // False: the target may be anything, or is not known.
  bool add_target(std::vector<std::string>& targets, const std::string& canonical) const {
    std::string type;
    if (const auto* definition = definitions_.find(canonical))
      type = (*definition)["type"].str();
    else if (canonical.starts_with(core))
      type = split_canonical(canonical).first.substr(core.size());
    if (!is_resource(type)) return false;
    if (std::ranges::find(targets, type) == targets.end()) targets.push_back(std::move(type));
    return true;
  }

  base::result<> slicing_of(element_rule& rule, const base::json& slicing, const std::string& id) const {
    rule.sliced_here = true;
    if (slicing["discriminator"].size() > 0) rule.discriminators.clear();
    for (const auto& d : slicing["discriminator"]) {
      using kind = slice_discriminator::kind;
      const auto& type = d["type"].str();
      const auto what = type == "exists" ? kind::exists : type == "type" ? kind::type : type == "profile" ? kind::profile : kind::value;
      if (!parse_path(d["path"].str())) return bad(id, fmt::format("the discriminator path '{}' is not understood", d["path"].str()));
      rule.discriminators.push_back({what, d["path"].str()});
    }
    const auto& rules = slicing["rules"].str();
    if (rule.closed && rules != "closed") return bad(id, fmt::format("slicing rules '{}', but the base's are closed", rules));
    rule.closed = rules == "closed";
    rule.open_at_end = rules == "openAtEnd";
    rule.ordered = slicing["ordered"].bool_or(rule.ordered);
    return {};
  }

  // Value sets and the tests of slices, once everything is laid over. The recursion is bounded by max_depth.
  base::result<> finish(element_rule& rule) {
    if (!rule.required_value_set.empty()) rule.codes = codes_.expand(rule.required_value_set);
    for (auto& child : rule.children) TRY(finish(child));
    std::uint64_t needed = 0;
    for (auto& slice : rule.slices) {
      TRY(finish(slice));
      needed += slice.min.value_or(0);
    }
    if (rule.max && needed > *rule.max) return bad(rule.id, fmt::format("its slices need {} values, but max is {}", needed, *rule.max));
    for (auto& slice : rule.slices)
      if (auto tests = tests_of(rule, slice))
        slice.tests = std::move(*tests);
      else
        return bad(slice.id, std::move(tests).error());
    return {};
  }

  const canonical_map& definitions_;
  terminology& codes_;
  std::shared_ptr<profile> out_ = std::make_shared<profile>();
  std::map<std::string, std::vector<std::string>> named_variants_;  // types, by id of the choice
};

element_rule* element_rule::child(std::string_view child_name) {
  const auto at = std::ranges::find(children, child_name, &element_rule::name);
  return at == children.end() ? nullptr : &*at;
}
const element_rule* element_rule::child(std::string_view child_name) const {
  const auto at = std::ranges::find(children, child_name, &element_rule::name);
  return at == children.end() ? nullptr : &*at;
}
element_rule* element_rule::slice_named(std::string_view slice_name) {
  const auto at = std::ranges::find(slices, slice_name, &element_rule::slice);
  return at == slices.end() ? nullptr : &*at;
}

base::result<std::shared_ptr<const profile>> profile::compile(const std::vector<const base::json*>& chain, const canonical_map& definitions,
                                                              terminology& codes) {
  return profile_compiler(definitions, codes).run(chain);
}

std::shared_ptr<const profile> profile::broken(const base::json& definition, std::string why) {
  auto out = std::make_shared<profile>();
  out->url_ = definition["url"].str();
  out->version_ = definition["version"].str();
  out->type_ = definition["type"].str();
  out->fault_ = std::move(why);
  return out;
}

}  // namespace dsf::fhir
