#include "fhir/semantics/profiles/value_sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/mutant.hpp"
#include "fhir/model/model.hpp"
#include "fhir/semantics/element.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_nested_value_sets = 16;
constexpr std::size_t max_codes = 200'000;

// A concept of a code system with those it lies below.
struct placed_concept {
  const base::json* value;
  const placed_concept* parent;
};

// All concepts, parents before children; the pointers stay valid as the list is filled once.
std::vector<std::unique_ptr<placed_concept>> concepts_of(const base::json& code_system) {
  std::vector<std::unique_ptr<placed_concept>> out;
  for (const auto& c : code_system["concept"]) out.push_back(std::make_unique<placed_concept>(&c, nullptr));
  for (std::size_t i = 0; i < out.size() && out.size() <= max_codes; ++i) {
    const auto* parent = out[i].get();
    for (const auto& c : (*parent->value)["concept"]) out.push_back(std::make_unique<placed_concept>(&c, parent));
  }
  return out;
}

bool lies_below(const placed_concept& c, const std::string& code) {
  for (const auto* at = c.parent; at; at = at->parent)
    if ((*at->value)["code"].str() == code) return true;
  return false;
}

bool has_property(const base::json& c, const std::string& property, const std::string& value) {
  return std::ranges::any_of(c["property"], [&](const auto& p) {
    return p["code"].str() == property &&
           (p["valueCode"].str() == value || p["valueString"].str() == value || p["valueCoding"]["code"].str() == value ||
            (p["valueBoolean"].is_bool() && p["valueBoolean"].dump() == value));
  });
}

bool in_list(std::string_view list, std::string_view code) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == code) return true;
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
  }
  return false;
}

// R4 valueset-filter-operator. Nothing: not understood.
std::optional<bool> passes(const placed_concept& c, const base::json& filter) {
  const auto& property = filter["property"].str();
  const auto& op = filter["op"].str();
  const auto& value = filter["value"].str();
  const auto& code = (*c.value)["code"].str();
  const bool by_code = property == "concept" || property == "code";
  if (by_code) {
    if (op == "is-a") return code == value || (lies_below(c, value) && !DSF_MUTANT("fhir.is_a_without_children"));
    if (op == "descendent-of") return lies_below(c, value);
    if (op == "is-not-a") return code != value && !lies_below(c, value);
    if (op == "=") return code == value;
    if (op == "in") return in_list(value, code);
    if (op == "not-in") return !in_list(value, code);
    return {};
  }
  if (property == "display" && op == "=") return (*c.value)["display"].str() == value;
  if (op == "=") return has_property(*c.value, property, value);
  if (op == "exists")
    return (value == "true") == std::ranges::any_of((*c.value)["property"], [&](const auto& p) { return p["code"].str() == property; });
  return {};
}

// R4 value sets that the generated tables list in full.
const binding_info* table_value_set(std::string_view url) {
  for (const auto& type : all_types())
    for (const auto& e : type.elements)
      if (e.binding && e.binding->complete && e.binding->value_set == url) return e.binding;
  return nullptr;
}

std::string key_of(std::string_view system, std::string_view code) {
  std::string out(system);
  out += '|';
  return out += code;
}

std::unordered_set<std::string> keys_of(const concept_list& list) {
  std::unordered_set<std::string> out;
  for (const auto& c : list) out.insert(key_of(c.system, c.code));
  return out;
}

bool is_true(const base::json& c, std::string_view property) {
  return std::ranges::any_of(c["property"], [&](const auto& p) { return p["code"].str() == property && p["valueBoolean"].bool_or(false); });
}

// R4 codesystem-concept-properties
bool is_inactive(const base::json& c) {
  return is_true(c, "inactive") || std::ranges::any_of(c["property"], [](const auto& p) {
           return p["code"].str() == "status" && (p["valueCode"].str() == "retired" || p["valueCode"].str() == "deprecated");
         });
}

}  // namespace

value_set_lister::outcome value_set_lister::expand(std::string_view canonical) {
  if (const auto at = done_.find(canonical); at != done_.end()) return at->second;
  outcome out = std::unexpected(fmt::format("the value set {} is not here", canonical));
  const auto found = find_("ValueSet", canonical);
  if (!found) return std::unexpected(found.error().to_string());
  if (*found) {
    const auto key = (**found)["url"].str() + "|" + (**found)["version"].str();
    if (open_.size() >= max_nested_value_sets)
      return std::unexpected(fmt::format("more than {} value sets inside each other", max_nested_value_sets));
    if (std::ranges::find(open_, key) != open_.end()) return std::unexpected(fmt::format("the value set {} contains itself", key));
    open_.push_back(key);
    out = list(**found);
    open_.pop_back();
  } else if (const auto* table = table_value_set(split_canonical(canonical).first)) {
    concept_list codes;
    for (const auto& c : table->codes) codes.push_back({std::string(c.system), {}, std::string(c.code), {}, false, false});
    out = std::make_shared<const concept_list>(std::move(codes));
  }
  // Inside of another one the answer may have met the limit or the circle, and would not be the same from outside.
  if (open_.empty() || out) done_.emplace(canonical, out);
  return out;
}

value_set_lister::outcome value_set_lister::list(const base::json& value_set) {
  const auto& compose = value_set["compose"];
  if (compose["include"].size() == 0) return std::unexpected(fmt::format("the value set {} includes nothing", value_set["url"].str()));
  auto included = parts(compose["include"], "include");
  if (!included) return std::unexpected(std::move(included).error());
  if (compose["exclude"].size() > 0 && !DSF_MUTANT("fhir.value_set_exclude_ignored")) {
    const auto excluded = parts(compose["exclude"], "exclude");
    if (!excluded) return std::unexpected(excluded.error());
    const auto keys = keys_of(*excluded);
    std::erase_if(*included, [&](const auto& c) { return keys.contains(key_of(c.system, c.code)); });
  }
  return std::make_shared<const concept_list>(std::move(*included));
}

// The parts of include, or of exclude, are joined; each concept stands where it comes first.
value_set_lister::listed value_set_lister::parts(const base::json& list, std::string_view name) {
  concept_list out;
  std::unordered_set<std::string> there;
  std::size_t i = 0;
  for (const auto& one : list) {
    auto more = part(one);
    if (!more) return std::unexpected(fmt::format("compose.{}[{}]: {}", name, i, more.error()));
    for (auto& c : *more)
      if (there.insert(key_of(c.system, c.code)).second) out.push_back(std::move(c));
    if (out.size() > max_codes) return std::unexpected(fmt::format("it has more than {} codes", max_codes));
    ++i;
  }
  return out;
}

// Inside a part all has to hold: the system with its concepts or filters, and each value set.
value_set_lister::listed value_set_lister::part(const base::json& one) {
  std::optional<concept_list> out;
  if (!one["system"].str().empty()) {
    auto of_system = system(one);
    if (!of_system) return of_system;
    out = std::move(*of_system);
  }
  for (const auto& nested : one["valueSet"]) {
    const auto codes = expand(nested.str());
    if (!codes) return std::unexpected(codes.error());
    if (!out) {
      out = **codes;
      continue;
    }
    const auto keys = keys_of(**codes);
    std::erase_if(*out, [&](const auto& c) { return !keys.contains(key_of(c.system, c.code)); });
  }
  if (!out) return std::unexpected(std::string("it has neither system nor valueSet"));
  return std::move(*out);
}

value_set_lister::listed value_set_lister::system(const base::json& one) {
  const auto& system = one["system"].str();
  const auto& version = one["version"].str();
  concept_list out;
  const auto found = find_("CodeSystem", version.empty() ? system : system + "|" + version);
  if (!found) return std::unexpected(found.error().to_string());
  const auto* code_system = *found;
  if (one["concept"].size() > 0) {
    // The code system, where it is here, knows what they are called.
    std::map<std::string_view, const base::json*> known;
    std::vector<std::unique_ptr<placed_concept>> all;
    if (code_system) all = concepts_of(*code_system);
    for (const auto& c : all) known.emplace((*c->value)["code"].str(), c->value);
    for (const auto& c : one["concept"]) {
      const auto at = known.find(c["code"].str());
      const auto& display = c["display"].str();
      out.push_back({system, version, c["code"].str(), display.empty() && at != known.end() ? (*at->second)["display"].str() : display,
                     at != known.end() && is_true(*at->second, "notSelectable"), at != known.end() && is_inactive(*at->second)});
    }
    return out;
  }
  if (!code_system) return std::unexpected(fmt::format("the code system {} is not here", system));
  if ((*code_system)["content"].str() != "complete")
    return std::unexpected(fmt::format("the code system {} is not complete here (content '{}')", system, (*code_system)["content"].str()));
  const auto all = concepts_of(*code_system);
  if (all.size() > max_codes) return std::unexpected(fmt::format("the code system {} has more than {} codes", system, max_codes));
  for (const auto& c : all) {
    bool in = true;
    for (const auto& filter : one["filter"]) {
      const auto verdict = passes(*c, filter);
      if (!verdict)
        return std::unexpected(
            fmt::format("the filter '{} {} {}' is not understood", filter["property"].str(), filter["op"].str(), filter["value"].str()));
      in = in && *verdict;
    }
    const auto& v = *c->value;
    if (in) out.push_back({system, version, v["code"].str(), v["display"].str(), is_true(v, "notSelectable"), is_inactive(v)});
  }
  return out;
}

}  // namespace dsf::fhir
