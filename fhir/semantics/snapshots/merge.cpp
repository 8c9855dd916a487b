#include "fhir/semantics/snapshots/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/mutant.hpp"
#include "fhir/model/model.hpp"
#include "fhir/semantics/profiles/element_paths.hpp"
#include "fhir/semantics/profiles/slicing.hpp"

namespace dsf::fhir {
namespace {

using base::json;
constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();

std::optional<std::uint32_t> limit_of(const std::string& text) {
  if (text == "*") return unlimited;
  std::uint32_t v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  return ec == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional(v) : std::nullopt;
}

bool any_type(std::string_view code) {
  return code == "Element" || code == "BackboneElement" || code == "Resource" || code == "DomainResource";
}

json* member(json& definition, std::string_view name) { return definition.find(name); }

// Items that the base does not have are added; two are the same if their members `by` are.
void add_items(json& definition, std::string_view name, const json& items, std::initializer_list<std::string_view> by) {
  auto* list = member(definition, name);
  if (!list) list = &definition.set(name, json(json::array{}));
  for (const auto& item : items) {
    auto* all = list->if_array();
    const auto same = std::ranges::find_if(*all, [&](const json& other) {
      return by.size() == 0 ? other == item : std::ranges::all_of(by, [&](auto m) { return other[m] == item[m]; });
    });
    if (same == all->end())
      all->push_back(item);
    else
      *same = item;
  }
}

void erase_typed(json& definition, std::string_view prefix) {
  while (const auto* found = typed_member(definition, prefix)) {
    const auto name = found->first;
    definition.erase("_" + name);
    definition.erase(name);
  }
}

void cardinality(json& definition, const json& element, bool new_slice, const fault_teller& fault) {
  const auto base_min = definition["min"].int_or(0);
  const auto& bound = new_slice ? definition["base"]["max"] : definition["max"];
  const auto base_max = limit_of(bound.str()).value_or(unlimited);
  auto min = base_min;
  auto max = limit_of(definition["max"].str()).value_or(unlimited);
  if (const auto* asked = element.find("min")) {
    min = asked->int_or(0);
    if (min < base_min && !DSF_MUTANT("fhir.snapshot_min_may_fall"))
      return fault(fmt::format("min {} is less than {}, which the base demands", min, base_min));
  }
  if (const auto* asked = element.find("max")) {
    const auto said = limit_of(asked->str());
    if (!said) return fault(fmt::format("max '{}' is neither a number nor *", asked->str()));
    if (*said > base_max) return fault(fmt::format("max {} is more than {}, which the base allows", asked->str(), base_max));
    max = *said;
  }
  if (min > max) return fault(fmt::format("min {} is more than max {}", min, max));
  if (element.find("min")) definition.set("min", min);
  if (const auto* asked = element.find("max")) definition.set("max", *asked);
}

void values(json& definition, const json& element, const fault_teller& fault) {
  const auto* fixed = typed_member(element, "fixed");
  const auto* pattern = typed_member(element, "pattern");
  const auto* base_fixed = typed_member(definition, "fixed");
  const auto* base_pattern = typed_member(definition, "pattern");
  if (fixed) {
    if (base_fixed && !equal_values(base_fixed->second, fixed->second))
      return fault(fmt::format("fixes '{}', but the base fixes '{}'", shown(fixed->second), shown(base_fixed->second)));
    if (base_pattern && !fits_pattern(fixed->second, base_pattern->second))
      return fault(
          fmt::format("fixes '{}', which does not fit the base's pattern '{}'", shown(fixed->second), shown(base_pattern->second)));
    erase_typed(definition, "fixed");
    erase_typed(definition, "pattern");
    definition.set(fixed->first, fixed->second);
  } else if (pattern) {
    if (base_fixed) {
      // What is fixed says more than a pattern, and only one of them may stand (eld-8).
      if (!fits_pattern(base_fixed->second, pattern->second))
        fault(fmt::format("the pattern '{}' does not fit '{}', which the base fixes", shown(pattern->second), shown(base_fixed->second)));
      return;
    }
    erase_typed(definition, "pattern");
    definition.set(pattern->first, pattern->second);
  }
}

// What a type of the differential leaves open stays as it is.
json narrowed_type(const json& type, const json& base_types) {
  auto out = type;
  for (const auto& b : base_types) {
    if (b["code"] != type["code"]) continue;
    for (const auto name : {"profile", "targetProfile", "aggregation", "versioning"})
      if (const auto* kept = b.find(name); kept && !out.find(name)) out.set(name, *kept);
  }
  return out;
}

void types(json& definition, const json& element, const fault_teller& fault) {
  const auto& said = element["type"];
  if (said.size() == 0) return;
  const auto before = definition["type"];
  json::array out;
  for (const auto& t : said) {
    const auto& code = t["code"].str();
    const bool allowed =
        before.size() == 0 || code.starts_with("http://hl7.org/fhirpath/") || std::ranges::any_of(before, [&](const json& b) {
          const auto& base_code = b["code"].str();
          return base_code == code || any_type(base_code) || base_code.starts_with("http://hl7.org/fhirpath/");
        });
    if (!allowed) return fault(fmt::format("type {} is not among those of the base", code));
    out.push_back(narrowed_type(t, before));
  }
  definition.set("type", json(std::move(out)));
}

void binding(json& definition, const json& said, const fault_teller& fault) {
  auto* before = member(definition, "binding");
  if (before && (*before)["strength"].str() == "required" && said["strength"].str() != "required")
    return fault(fmt::format("weakens the required binding to {}", (*before)["valueSet"].str()));
  auto out = said;
  if (before && !out.find("valueSet"))
    if (const auto* kept = before->find("valueSet")) out.set("valueSet", *kept);
  definition.set("binding", std::move(out));
}

void constraints(json& definition, const json& said, std::string_view source) {
  json with_source(json::array{});
  for (auto c : said) {
    if (!c.find("source") && !source.empty()) c.set("source", source);
    with_source.push_back(std::move(c));
  }
  add_items(definition, "constraint", with_source, {"key"});
}

// Text that begins with an ellipsis goes on where the base's ends.
void text(json& definition, std::string_view name, const json& said) {
  const auto& before = definition[name].str();
  if (said.str().starts_with("...") && !before.empty())
    definition.set(name, before + "\n" + said.str().substr(3));
  else
    definition.set(name, said);
}

void slicing(json& definition, const json& said, const fault_teller& fault) {
  auto* before = member(definition, "slicing");
  if (!before) {
    definition.set("slicing", said);
    return;
  }
  if ((*before)["rules"].str() == "closed" && said["rules"].str() != "closed")
    return fault(fmt::format("slicing rules '{}', but the base's are closed", said["rules"].str()));
  for (const auto& [name, value] : *said.if_object()) before->set(name, value);
}

}  // namespace

void lay_over(json& definition, const json& element, std::string_view source, bool new_slice, const fault_teller& fault) {
  const auto* members = element.if_object();
  if (!members) return;
  cardinality(definition, element, new_slice, fault);
  types(definition, element, fault);
  values(definition, element, fault);
  for (const auto& [full_name, value] : *members) {
    auto name = std::string_view(full_name);
    if (name.starts_with('_')) name.remove_prefix(1);
    const bool done = name == "id" || name == "path" || name == "sliceName" || name == "min" || name == "max" || name == "type" ||
                      name == "base" || name == "contentReference" || name.starts_with("fixed") || name.starts_with("pattern");
    if (done) continue;
    if (name == "definition" || name == "comment" || name == "requirements")
      text(definition, full_name, value);
    else if (name == "constraint")
      constraints(definition, value, source);
    else if (name == "mapping")
      add_items(definition, name, value, {"identity", "map"});
    else if (name == "alias" || name == "condition" || name == "example" || name == "code")
      add_items(definition, full_name, value, {});
    else if (name == "extension")
      add_items(definition, name, value, {"url"});
    else if (name == "binding")
      binding(definition, value, fault);
    else if (name == "slicing")
      slicing(definition, value, fault);
    else if (name == "mustSupport" || name == "isModifier") {
      if (definition[name].bool_or(false) && !value.bool_or(true))
        fault(fmt::format("{} is true in the base and can't be false", name));
      else
        definition.set(full_name, value);
    } else {
      definition.set(full_name, value);
    }
  }
}

void lay_profile_root_over(json& definition, const json& root) {
  for (const auto name : {"short", "definition", "comment", "requirements", "alias", "isModifier", "isModifierReason"})
    if (const auto* said = root.find(name)) definition.set(name, *said);
  add_items(definition, "constraint", root["constraint"], {"key"});
  // The cardinality of a type's root says nothing, but that of an extension is how often it may stand.
  const bool extension = std::ranges::any_of(definition["type"], [](const json& t) { return t["code"].str() == "Extension"; });
  const auto most = limit_of(root["max"].str());
  if (extension && most && *most < limit_of(definition["max"].str()).value_or(unlimited)) definition.set("max", root["max"]);
}

}  // namespace dsf::fhir
