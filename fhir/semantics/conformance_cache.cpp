#include "fhir/semantics/conformance_cache.hpp"

#include <algorithm>
#include <map>

#include "fhir/conformance/bundled.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/profiles/profile.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_resources = 100'000;
constexpr std::size_t max_chain = 16;

using by_canonical = std::map<std::string, base::json, std::less<>>;  // "url|version"

// v1-era names of the Task profile (dsf-bpe 1.1, 3.6).
std::string_view current_name(std::string_view url) {
  return url == "http://dsf.dev/fhir/StructureDefinition/task-base" ? "http://dsf.dev/fhir/StructureDefinition/task" : url;
}

// "10.0" is newer than "9.1": runs of digits compare as numbers.
bool older(std::string_view a, std::string_view b) {
  const auto take = [](std::string_view& text) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    text = dot == text.npos ? std::string_view{} : text.substr(dot + 1);
    return part;
  };
  while (!a.empty() || !b.empty()) {
    const auto x = take(a), y = take(b);
    if (x == y) continue;
    return x.size() != y.size() ? x.size() < y.size() : x < y;
  }
  return false;
}

const base::json* find(const by_canonical& all, std::string_view canonical) {
  auto [url, version] = split_canonical(canonical);
  const bool renamed = current_name(url) != url;
  url = current_name(url);
  if (!version.empty() && !renamed) {
    const auto exact = all.find(std::string(canonical));
    return exact == all.end() ? nullptr : &exact->second;
  }
  const base::json* newest = nullptr;
  const auto prefix = std::string(url) + "|";
  for (auto i = all.lower_bound(prefix); i != all.end() && i->first.starts_with(prefix); ++i)
    if (!newest || older((*newest)["version"].str(), i->second["version"].str())) newest = &i->second;
  return newest;
}

base::result<by_canonical> load(const resource_view& view, std::string_view type) {
  by_canonical out;
  for (const auto& text : bundled_resources()) {
    auto resource = TRY(base::json::parse(text));
    if (resource["resourceType"].str() == type) out.emplace(resource["url"].str() + "|" + resource["version"].str(), std::move(resource));
  }
  for (const auto& id : TRY(view.all_ids(type, max_resources))) {
    const auto stored = TRY(view.current(type, id));
    if (!stored || stored->deleted || !stored->bytes) continue;
    auto resource = TRY(base::json::parse(*stored->bytes));
    auto key = resource["url"].str() + "|" + resource["version"].str();
    if (resource["status"].str() == "retired")
      out.erase(key);
    else
      out.insert_or_assign(std::move(key), std::move(resource));
  }
  return out;
}

// The StructureDefinition and its bases, the most basic first; empty if one is missing.
std::vector<const base::json*> chain_of(const by_canonical& all, const base::json& definition) {
  std::vector<const base::json*> out{&definition};
  while (out.size() < max_chain) {
    const auto& base = (*out.back())["baseDefinition"].str();
    if (base.starts_with("http://hl7.org/fhir/StructureDefinition/")) {
      std::ranges::reverse(out);
      return out;
    }
    const auto* next = find(all, base);
    if (!next || std::ranges::find(out, next) != out.end()) return {};
    out.push_back(next);
  }
  return {};
}

// Top-level concepts only, as the reference counts them (dsf-fhir-server 1.6).
std::unordered_set<std::string> concepts(const base::json& code_system) {
  std::unordered_set<std::string> out;
  for (const auto& c : code_system["concept"]) out.insert(c["code"].str());
  return out;
}

// Codes of a ValueSet that lists them or takes whole CodeSystems of this server; nothing if it does anything else.
std::optional<std::unordered_set<std::string>> enumerate(const base::json& value_set, const by_canonical& code_systems) {
  std::unordered_set<std::string> out;
  const auto& compose = value_set["compose"];
  if (compose["include"].size() == 0 || compose["exclude"].size() > 0) return {};
  for (const auto& include : compose["include"]) {
    const auto& system = include["system"].str();
    if (system.empty() || include["valueSet"].size() > 0 || include["filter"].size() > 0) return {};
    for (const auto& c : include["concept"]) out.insert(system + "|" + c["code"].str());
    if (include["concept"].size() > 0) continue;
    const auto& version = include["version"].str();
    const auto* code_system = find(code_systems, version.empty() ? system : system + "|" + version);
    if (!code_system || (*code_system)["content"].str() != "complete") return {};
    // Nested concepts belong to the system too.
    std::vector<const base::json*> open{&(*code_system)["concept"]};
    while (!open.empty()) {
      const auto* list = open.back();
      open.pop_back();
      for (const auto& c : *list) {
        out.insert(system + "|" + c["code"].str());
        if (c["concept"].size() > 0) open.push_back(&c["concept"]);
      }
    }
  }
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
  const auto newest_too = [](const by_canonical& all, const std::string& key, auto&& put) {
    put(key);
    const auto url = std::string(split_canonical(key).first);
    if (find(all, url) == &all.find(key)->second) put(url);
  };

  for (const auto& [key, definition] : definitions) {
    const auto chain = chain_of(definitions, definition);
    if (chain.empty()) continue;
    const auto compiled = profile::compile(chain);
    newest_too(definitions, key, [&](const std::string& name) { out->profiles_.insert_or_assign(name, compiled); });
    if (definition["kind"].str() == "resource" && !definition["abstract"].bool_or(false)) {
      auto& list = out->supported_[definition["type"].str()];
      list.push_back(definition["url"].str());
    }
  }
  for (auto& [type, list] : out->supported_) {
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  for (const auto& [key, code_system] : code_systems)
    newest_too(code_systems, key, [&](const std::string& name) { out->concepts_.insert_or_assign(name, concepts(code_system)); });
  for (const auto& [key, value_set] : value_sets)
    if (const auto codes = enumerate(value_set, code_systems))
      newest_too(value_sets, key, [&](const std::string& name) { out->value_sets_.insert_or_assign(name, *codes); });

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
  const auto* found = current_name(url) == url ? lookup(profiles_, canonical) : lookup(profiles_, current_name(url));
  return found ? *found : nullptr;
}
const std::unordered_set<std::string>* conformance_cache::concepts_of(std::string_view system) const { return lookup(concepts_, system); }
const std::unordered_set<std::string>* conformance_cache::value_set(std::string_view canonical) const {
  return lookup(value_sets_, canonical);
}

}  // namespace dsf::fhir
