#include "fhir/semantics/snapshots/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/mutant.hpp"
#include "fhir/model/base_snapshots.hpp"
#include "fhir/model/model.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/profiles/element_paths.hpp"
#include "fhir/semantics/snapshots/element_tree.hpp"
#include "fhir/semantics/snapshots/merge.hpp"

namespace dsf::fhir {
namespace {

using base::json;
constexpr std::size_t max_depth = 32;
constexpr std::size_t max_elements = 20'000;
constexpr std::size_t max_open = 16;  // definitions that need one another
constexpr std::string_view core = "http://hl7.org/fhir/StructureDefinition/";
constexpr std::string_view system_type = "http://hl7.org/fhirpath/";

std::size_t size_of(const element_node& node) {
  std::size_t out = 1;
  for (const auto& child : node.children) out += size_of(child);
  for (const auto& slice : node.slices) out += size_of(slice);
  return out;
}

json slicing_by(std::string_view type, std::string_view path, std::string_view rules = "open") {
  json d, out;
  d.set("type", type);
  d.set("path", path);
  out.set("discriminator", json::array{d});
  out.set("ordered", false);
  out.set("rules", rules);
  return out;
}

class snapshot_maker {
public:
  explicit snapshot_maker(const definition_lookup& others) : others_(others) {}

  std::expected<json, std::vector<issue>> run(const json& definition) {
    const auto tree = from_differential(definition);
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return list_of(*tree);
  }

private:
  using tree_ptr = std::shared_ptr<const element_node>;

  void fault(std::string text) {
    if (faults_.size() < 50) faults_.push_back({"error", "structure", fmt::format("{}#{}", canonical_, element_), std::move(text)});
  }

  // Of a definition of R4 or of the server; null: there is none that can be used, which is a fault only where nothing else would do.
  tree_ptr tree_for(std::string_view canonical, std::string& why) {
    const auto key = std::string(canonical);
    if (const auto at = trees_.find(key); at != trees_.end()) return at->second;
    const auto url = split_canonical(canonical).first;
    tree_ptr out;
    if (url.starts_with(core))
      if (const auto elements = base_snapshot(url.substr(core.size())); elements.is_array())
        if (auto tree = fhir::tree_of(elements)) out = std::make_shared<const element_node>(*std::move(tree));
    if (!out) out = of_server(canonical, why);
    if (out) trees_.emplace(key, out);
    return out;
  }

  tree_ptr of_server(std::string_view canonical, std::string& why) {
    const auto found = others_(canonical);
    if (!found) {
      why = found.error().to_string();
      return nullptr;
    }
    if (!*found) {
      why = fmt::format("{} is not on this server", canonical);
      return nullptr;
    }
    const auto& definition = **found;
    if (const auto& elements = definition["snapshot"]["element"]; elements.size() > 0) {
      auto tree = elements.size() <= max_elements ? fhir::tree_of(elements) : std::nullopt;
      if (!tree) why = fmt::format("the snapshot of {} is not in order", canonical);
      return tree ? std::make_shared<const element_node>(*std::move(tree)) : nullptr;
    }
    const auto key = definition["url"].str() + "|" + definition["version"].str();
    if (open_.size() >= max_open || std::ranges::find(open_, key) != open_.end()) {
      why = fmt::format("{} needs itself", canonical);
      return nullptr;
    }
    const auto before = faults_.size();
    auto tree = from_differential(definition);
    if (faults_.size() == before) return tree;
    why = fmt::format("{} has no snapshot: {}", canonical, faults_[before].text);
    faults_.resize(before);
    return nullptr;
  }

  tree_ptr from_differential(const json& definition) {
    auto canonical = definition["url"].str() + "|" + definition["version"].str();
    std::swap(canonical, canonical_);
    auto element = std::exchange(element_, definition["type"].str());
    auto base = std::exchange(base_, nullptr);
    open_.push_back(canonical_);
    auto out = laid_over_base(definition);
    open_.pop_back();
    base_ = std::move(base);
    element_ = std::move(element);
    canonical_ = std::move(canonical);
    return out;
  }

  tree_ptr laid_over_base(const json& definition) {
    const auto& elements = definition["differential"]["element"];
    const auto& type = definition["type"].str();
    if (definition["derivation"].str() == "specialization")
      return fault("defines a type of its own; snapshots are made of constraints on types of R4"), nullptr;
    if (elements.size() > max_elements) return fault(fmt::format("has more than {} elements", max_elements)), nullptr;
    std::string why;
    const auto base = tree_for(definition["baseDefinition"].str(), why);
    if (!base) return fault(fmt::format("its base can't be used: {}", why)), nullptr;
    if (base->name != type) return fault(fmt::format("is for {}, but its base is for {}", type, base->name)), nullptr;
    base_ = base;
    auto root = std::make_shared<element_node>(*base);
    const auto paths = paths_of(elements);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      element_ = element_name(elements[i]);
      if (paths[i].size() > max_depth) {
        fault(fmt::format("lies deeper than {} levels", max_depth));
        continue;
      }
      if (auto* node = reach(*root, paths[i])) lay_over_node(*node, elements[i], definition["url"].str());
      // What was copied for slices counts, too.
      if (i % 64 == 0 && size_of(*root) > max_elements) return fault(fmt::format("has more than {} elements", max_elements)), nullptr;
    }
    finish(*root);
    return root;
  }

  element_node* reach(element_node& root, const element_path& path) {
    auto* at = &root;
    new_slice_ = nullptr;
    for (const auto& step : path) {
      at = below(*at, step);
      if (!at) return nullptr;
    }
    return at;
  }

  element_node* below(element_node& parent, const element_step& step) {
    if (parent.children.empty()) unfold(parent);
    auto* whole = parent.child(step.name);
    auto slice = step.slice;
    if (!whole) {
      whole = choice_with(parent, step.name);
      if (whole && slice.empty()) slice = step.name;
    }
    if (!whole) return fault(fmt::format("{} has no element '{}'", parent.name, step.name)), nullptr;
    return slice.empty() ? whole : slice_below(*whole, slice);
  }

  // Observation.valueQuantity is value[x]:valueQuantity, and leaves value[x] no type that is not named so (R4 profiling.html,
  // "Constraining choice types"), unless the choice is sliced already.
  static element_node* choice_with(element_node& parent, const std::string& member) {
    for (auto& c : parent.children) {
      auto all = c;
      if (!c.types_before.is_null()) all.definition.set("type", c.types_before);
      const auto code = type_of_variant(all, member);
      if (code.empty()) continue;
      const bool named_before = c.slice_named(member) != nullptr;
      if (!c.definition.find("slicing")) {
        c.types_before = c.definition["type"];
        c.definition.set("slicing", slicing_by("type", "$this", "closed"));
        c.definition.set("type", json(json::array{}));
      }
      if (!c.types_before.is_null() && !named_before)
        for (const auto& t : c.types_before)
          if (t["code"].str() == code) c.definition.find("type")->push_back(t);
      return &c;
    }
    return nullptr;
  }

  element_node* slice_below(element_node& whole, const std::string& name) {
    if (auto* known = whole.slice_named(name)) return known;
    auto* at = &whole;
    if (const auto cut = name.rfind('/'); cut != name.npos)
      if (auto* outer = whole.slice_named(std::string_view(name).substr(0, cut))) at = outer;
    if (!at->definition.find("slicing")) {
      // These are sliced by R4 itself.
      if (!whole.choice_stem().empty())
        at->definition.set("slicing", slicing_by("type", "$this"));
      else if (whole.name == "extension" || whole.name == "modifierExtension")
        at->definition.set("slicing", slicing_by("value", "url"));
      else
        return fault(fmt::format("names the slice '{}' of {}, which is not sliced", name, whole.name)), nullptr;
    }
    // A slice begins as what its whole is by now, but nothing says that it must be there.
    element_node made{whole.name, name, at->definition, at->children, {}, {}};
    made.definition.erase("slicing");
    if (!DSF_MUTANT("fhir.snapshot_slice_min_inherited")) made.definition.set("min", 0);
    if (const auto code = type_of_variant(whole, name); !code.empty()) {
      json only(json::array{});
      for (const auto& t : whole.definition["type"])
        if (t["code"].str() == code) only.push_back(t);
      made.definition.set("type", std::move(only));
    }
    at->slices.push_back(std::move(made));
    new_slice_ = &at->slices.back();
    return &at->slices.back();
  }

  // The elements below one whose definition stops at its type.
  void unfold(element_node& node) {
    if (const auto& reference = node.definition["contentReference"].str(); !reference.empty()) return unfold_reference(node, reference);
    const auto codes = node.type_codes();
    std::string type = codes.size() == 1 ? codes[0] : std::string("Element");
    if (type.empty() || type.starts_with(system_type)) return;
    if (codes.size() > 1 && std::ranges::all_of(codes, [](const auto& c) { return is_resource(c); })) type = "Resource";
    std::string why;
    tree_ptr source;
    const auto& only = node.definition["type"][std::size_t{0}];
    if (codes.size() == 1 && only["profile"].size() == 1) source = tree_for(only["profile"][std::size_t{0}].str(), why);
    // A profile that is not here leaves its type.
    if (!source) source = tree_for(std::string(core) + type, why);
    if (source) node.children = source->children;
  }

  // "#Questionnaire.item": as the base has it, not as this differential has made it.
  void unfold_reference(element_node& node, const std::string& reference) {
    const auto path = reference.substr(reference.find('#') + 1);
    const auto dot = path.find('.');
    std::string why;
    const auto holder = base_ && base_->name == path.substr(0, dot) ? base_ : tree_for(std::string(core) + path.substr(0, dot), why);
    const auto* at = holder.get();
    for (auto rest = dot == path.npos ? std::string_view{} : std::string_view(path).substr(dot + 1); at && !rest.empty();) {
      const auto next = rest.find('.');
      at = at->child(rest.substr(0, next));
      rest = next == rest.npos ? std::string_view{} : rest.substr(next + 1);
    }
    if (!at) return fault(fmt::format("the content reference {} leads nowhere", reference));
    const auto children = at->children;
    const auto type = at->definition["type"];
    node.definition.erase("contentReference");
    node.definition.set("type", type);
    node.children = children;
  }

  void lay_over_node(element_node& node, const json& element, const std::string& source) {
    const auto& said = element["type"];
    std::string why;
    const auto& only = said[std::size_t{0}];
    if (said.size() == 1 && only["profile"].size() == 1)
      if (const auto profile = tree_for(only["profile"][std::size_t{0}].str(), why)) {
        lay_profile_root_over(node.definition, profile->definition);
        // What was copied from the plain type gives way to what the profile makes of it.
        if (!node.children.empty() && node.definition["type"].size() == 1) node.children = profile->children;
      }
    fhir::lay_over(node.definition, element, source, &node == new_slice_, [this](std::string text) { fault(std::move(text)); });
  }

  // Slices must not need more values than there may be. What a profile over this one names is no longer added to a choice.
  void finish(element_node& node) {
    std::int64_t needed = 0;
    node.types_before = {};
    for (auto& slice : node.slices) {
      needed += slice.definition["min"].int_or(0);
      finish(slice);
    }
    const auto& max = node.definition["max"].str();
    if (!node.slices.empty() && max != "*" && needed > std::atoll(max.c_str())) {
      element_ = node.name;
      fault(fmt::format("its slices need {} values, but max is {}", needed, max));
    }
    for (auto& child : node.children) finish(child);
  }

  const definition_lookup& others_;
  std::map<std::string, tree_ptr> trees_;  // by canonical
  std::vector<std::string> open_;          // definitions on the way
  std::vector<issue> faults_;
  std::string canonical_, element_;        // where we are
  const element_node* new_slice_ = nullptr;  // made for the element that is being laid
  tree_ptr base_;                          // of the definition on the way
};

}  // namespace

std::expected<json, std::vector<issue>> make_snapshot(const json& definition, const definition_lookup& others) {
  return snapshot_maker(others).run(definition);
}

json with_snapshot(const json& definition, json elements) {
  json::object out;
  json snapshot;
  snapshot.set("element", std::move(elements));
  bool placed = false;
  if (const auto* members = definition.if_object())
    for (const auto& m : *members) {
      if (m.first == "snapshot") continue;
      if (m.first == "differential") {
        out.emplace_back("snapshot", std::move(snapshot));
        placed = true;
      }
      out.push_back(m);
    }
  if (!placed) out.emplace_back("snapshot", std::move(snapshot));
  return json(std::move(out));
}

}  // namespace dsf::fhir
