// Extensions by their definitions, and the resources inside of a resource (dsf-fhir-server 4.5; R4 extensibility.html).
#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/conformance_cache.hpp"
#include "fhir/semantics/profiles/check_impl.hpp"

namespace dsf::fhir {

void check_run::walk() {
  const bool outermost = path_.empty();
  const auto& type = (*resource_)["resourceType"].str();
  if (outermost) path_.push_back({type, -1});
  walk_members(*resource_);
  if (outermost) path_.pop_back();
}

// Bounded by the depth limit of the codec.
void check_run::walk_members(const base::json& object) {
  const auto* members = object.if_object();
  if (!members) return;
  for (const auto& [name, value] : *members) {
    const bool modifier = name == "modifierExtension";
    const bool is_extension = modifier || name == "extension";
    const auto one = [&](const base::json& item, std::ptrdiff_t index) {
      if (!item.is_object()) return;
      path_.push_back({name, index});
      if (item.find("resourceType")) {
        inner_resource(item);
      } else {
        if (is_extension) extension(item, modifier);
        walk_members(item);
      }
      path_.pop_back();
    };
    if (value.is_object())
      one(value, -1);
    else
      for (std::size_t i = 0; i < (value.is_array() ? value.size() : 0); ++i) one(value[i], static_cast<std::ptrdiff_t>(i));
  }
}

void check_run::extension(const base::json& e, bool modifier) {
  const auto& url = e["url"].str();
  // Parts of an extension have relative urls; the definition around them says what they are.
  if (url.find(':') == url.npos) return;
  const auto known = conformance_.profile_of(url);
  if (known && known->type() == "Extension") {
    static const value_form form{"extension", "Extension", find_type("Extension")};
    value_of(*known, {&e, nullptr, &form});
    if (!stands_where_allowed(*known)) {
      const auto* before = std::exchange(profile_, known.get());
      fault(known->root(), "extension",
            [&] { return fmt::format("the extension {} may only stand on {}", url, fmt::join(known->contexts(), ", ")); });
      profile_ = before;
    }
    return;
  }
  // R4 extensibility.html, "Modifier Extensions": what is not understood may turn the meaning of its element around.
  if (modifier && !DSF_MUTANT("fhir.unknown_modifier_accepted")) {
    ++faults_;
    if (quiet_ == 0)
      put("error", "extension", path(),
          fmt::format("the modifier extension '{}' is not known here, so the element can't be understood", url));
  }
}

// StructureDefinition.context of type element: the element's path in its definition, its type, or one of its bases.
bool check_run::stands_where_allowed(const profile& p) const {
  if (p.contexts().empty()) return true;
  const auto* type = find_type((*resource_)["resourceType"].str());
  std::string definition_path = type ? std::string(type->name) : std::string{};
  // The steps of this resource, without the extension itself. A resource inside of another begins the path anew.
  std::size_t first = 1;
  for (std::size_t i = 1; i + 1 < path_.size(); ++i)
    if (path_[i].name == "contained" || path_[i].name == "resource") first = i + 1;
  for (auto i = first; type && i + 1 < path_.size(); ++i) {
    auto name = path_[i].name;
    if (name.starts_with('_')) name.remove_prefix(1);
    const auto* element = find_element(*type, name);
    if (!element) return true;
    definition_path =
        fmt::format("{}.{}", type->name, element->choice.empty() ? std::string(element->name) : fmt::format("{}[x]", element->choice));
    type = element->type;
  }
  if (!type) return true;
  return std::ranges::any_of(p.contexts(), [&](const std::string& allowed) {
    if (allowed == definition_path || allowed == "Element" || allowed == type->name) return true;
    for (auto base = type->base; !base.empty();) {
      if (base == allowed) return true;
      const auto* up = find_type(base);
      base = up ? up->base : std::string_view{};
    }
    return false;
  });
}

// Profiles of contained resources and of those in a Bundle; one that is not known here is for others.
void check_run::inner_resource(const base::json& resource) {
  const auto* before = std::exchange(resource_, &resource);
  for (const auto& canonical : resource["meta"]["profile"])
    if (const auto known = conformance_.profile_of(canonical.str()); known && known->type() == resource["resourceType"].str())
      check(*known);
  walk_members(resource);
  resource_ = before;
}

}  // namespace dsf::fhir
