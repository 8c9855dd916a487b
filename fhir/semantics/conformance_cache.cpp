#include "fhir/semantics/conformance_cache.hpp"

#include <algorithm>
#include <expected>

#include "fhir/conformance/bundled.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/profiles/canonicals.hpp"
#include "fhir/semantics/profiles/codes.hpp"
#include "fhir/semantics/profiles/profile.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_resources = 100'000;
constexpr std::size_t max_chain = 16;

base::result<canonical_map> load(const resource_view& view, std::string_view type) {
  canonical_map out;
  for (const auto& text : bundled_resources()) {
    auto resource = TRY(base::json::parse(text));
    if (resource["resourceType"].str() == type) out.add(std::move(resource));
  }
  for (const auto& id : TRY(view.all_ids(type, max_resources))) {
    const auto stored = TRY(view.current(type, id));
    if (!stored || stored->deleted || !stored->bytes) continue;
    auto resource = TRY(base::json::parse(*stored->bytes));
    if (resource["status"].str() == "retired")
      out.remove(resource);
    else
      out.add(std::move(resource));
  }
  return out;
}

// The StructureDefinition and its bases, the most basic first, or why there is none.
std::expected<std::vector<const base::json*>, std::string> chain_of(const canonical_map& all, const base::json& definition) {
  std::vector<const base::json*> out{&definition};
  while (out.size() < max_chain) {
    const auto& base = (*out.back())["baseDefinition"].str();
    if (base.starts_with("http://hl7.org/fhir/StructureDefinition/")) {
      std::ranges::reverse(out);
      return out;
    }
    const auto* next = all.find(base);
    if (!next) return std::unexpected("its base " + base + " is not on this server");
    if (std::ranges::find(out, next) != out.end()) return std::unexpected("its base " + base + " has it as its own base");
    out.push_back(next);
  }
  return std::unexpected("it has more than " + std::to_string(max_chain) + " bases above each other");
}

std::shared_ptr<const profile> compiled(const canonical_map& all, const base::json& definition, terminology& codes) {
  const auto chain = chain_of(all, definition);
  if (!chain) return profile::broken(definition, chain.error());
  auto out = profile::compile(*chain, all, codes);
  return out ? *out : profile::broken(definition, out.error().to_string());
}

// Top-level concepts only, as the reference counts them (dsf-fhir-server 1.6).
std::unordered_set<std::string> concepts(const base::json& code_system) {
  std::unordered_set<std::string> out;
  for (const auto& c : code_system["concept"]) out.insert(c["code"].str());
  return out;
}

template <class T>
const T* lookup(const std::unordered_map<std::string, T>& map, std::string_view key) {
  const auto found = map.find(std::string(key));
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

base::result<std::shared_ptr<const conformance_cache>> conformance_cache::build(const resource_view& view) {
  auto out = std::make_shared<conformance_cache>();
  const auto definitions = TRY(load(view, "StructureDefinition"));
  const auto code_systems = TRY(load(view, "CodeSystem"));
  const auto value_sets = TRY(load(view, "ValueSet"));
  terminology codes(code_systems, value_sets);

  for (const auto& [key, definition] : definitions) {
    const auto made = compiled(definitions, definition, codes);
    definitions.names_of(key, [&](const std::string& name) { out->profiles_.insert_or_assign(name, made); });
    if (made->fault().empty() && definition["kind"].str() == "resource" && !definition["abstract"].bool_or(false)) {
      auto& list = out->supported_[definition["type"].str()];
      list.push_back(definition["url"].str());
    }
  }
  for (auto& [type, list] : out->supported_) {
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  for (const auto& [key, code_system] : code_systems)
    code_systems.names_of(key, [&](const std::string& name) { out->concepts_.insert_or_assign(name, concepts(code_system)); });
  for (const auto& [key, value_set] : value_sets)
    if (const auto listed = codes.expand(key)) {
      std::unordered_set<std::string> texts;
      listed->each([&](const auto& system, const auto& code) { texts.insert(system + "|" + code); });
      value_sets.names_of(key, [&](const std::string& name) { out->value_sets_.insert_or_assign(name, texts); });
    }

  const auto naming_systems = TRY(view.all_ids("NamingSystem", max_resources));
  for (const auto& id : naming_systems) {
    const auto stored = TRY(view.current("NamingSystem", id));
    if (!stored || stored->deleted || !stored->bytes) continue;
    const auto system = TRY(base::json::parse(*stored->bytes));
    const auto& status = system["status"].str();
    if (status != "draft" && status != "active") continue;
    for (const auto& unique : system["uniqueId"])
      for (const auto& e : unique["modifierExtension"])
        if (e["url"].str() == names::ext_check_logical_reference && e["valueBoolean"].bool_or(false))
          out->checked_systems_.insert(unique["value"].str());
  }
  return std::shared_ptr<const conformance_cache>(std::move(out));
}

std::shared_ptr<const profile> conformance_cache::profile_of(std::string_view canonical) const {
  const auto [url, version] = split_canonical(canonical);
  const auto* found =
      canonical_map::current_name(url) == url ? lookup(profiles_, canonical) : lookup(profiles_, canonical_map::current_name(url));
  return found ? *found : nullptr;
}
const std::unordered_set<std::string>* conformance_cache::concepts_of(std::string_view system) const { return lookup(concepts_, system); }
const std::unordered_set<std::string>* conformance_cache::value_set(std::string_view canonical) const {
  return lookup(value_sets_, canonical);
}

}  // namespace dsf::fhir
