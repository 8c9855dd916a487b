#include "fhir/semantics/profiles/codes.hpp"

#include <algorithm>

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

}  // namespace

void code_set::add(std::string_view system, std::string_view code) {
  auto at = systems_.find(code);
  if (at == systems_.end()) at = systems_.emplace(code, std::vector<std::string>{}).first;
  if (std::ranges::find(at->second, system) == at->second.end()) at->second.emplace_back(system);
}
void code_set::remove(std::string_view system, std::string_view code) {
  const auto at = systems_.find(code);
  if (at == systems_.end()) return;
  std::erase(at->second, system);
  if (at->second.empty()) systems_.erase(at);
}
void code_set::each(const std::function<void(const std::string&, const std::string&)>& visit) const {
  for (const auto& [code, systems] : systems_)
    for (const auto& system : systems) visit(system, code);
}
void code_set::add_all(const code_set& other) {
  other.each([&](const auto& system, const auto& code) { add(system, code); });
}
void code_set::remove_all(const code_set& other) {
  other.each([&](const auto& system, const auto& code) { remove(system, code); });
}
void code_set::keep_common(const code_set& other) {
  code_set out;
  each([&](const auto& system, const auto& code) {
    if (other.contains(system, code)) out.add(system, code);
  });
  *this = std::move(out);
}
bool code_set::contains(std::string_view system, std::string_view code) const {
  const auto at = systems_.find(code);
  return at != systems_.end() && std::ranges::find(at->second, system) != at->second.end();
}
bool code_set::contains_code(std::string_view code) const { return systems_.find(code) != systems_.end(); }
std::size_t code_set::size() const {
  std::size_t out = 0;
  for (const auto& [code, systems] : systems_) out += systems.size();
  return out;
}

std::shared_ptr<const code_set> terminology::expand(std::string_view canonical) {
  if (const auto at = done_.find(canonical); at != done_.end()) return at->second;
  std::shared_ptr<const code_set> out;
  if (const auto* value_set = value_sets_.find(canonical)) {
    const auto key = (*value_set)["url"].str() + "|" + (*value_set)["version"].str();
    if (open_.size() >= max_nested_value_sets || std::ranges::find(open_, key) != open_.end()) return nullptr;
    open_.push_back(key);
    out = list(*value_set);
    open_.pop_back();
  } else if (const auto* table = table_value_set(split_canonical(canonical).first)) {
    auto codes = std::make_shared<code_set>();
    for (const auto& c : table->codes) codes->add(c.system, c.code);
    out = std::move(codes);
  }
  // Inside of another one the answer may have met the limit or the circle, and would not be the same from outside.
  if (open_.empty() || out) done_.emplace(canonical, out);
  return out;
}

std::shared_ptr<const code_set> terminology::list(const base::json& value_set) {
  const auto& compose = value_set["compose"];
  if (compose["include"].size() == 0) return nullptr;
  const auto included = list_parts(compose["include"]);
  if (!included || compose["exclude"].size() == 0) return included;
  const auto excluded = list_parts(compose["exclude"]);
  if (!excluded) return nullptr;
  auto out = std::make_shared<code_set>(*included);
  if (!DSF_MUTANT("fhir.value_set_exclude_ignored")) out->remove_all(*excluded);
  return out;
}

// The parts of include, or of exclude, are joined.
std::shared_ptr<const code_set> terminology::list_parts(const base::json& parts) {
  auto out = std::make_shared<code_set>();
  for (const auto& part : parts) {
    const auto one = list_part(part);
    if (!one) return nullptr;
    out->add_all(*one);
    if (out->size() > max_codes) return nullptr;
  }
  return out;
}

// Inside a part all has to hold: the system with its concepts or filters, and each value set.
std::shared_ptr<const code_set> terminology::list_part(const base::json& part) {
  std::shared_ptr<code_set> out;
  if (!part["system"].str().empty()) {
    out = list_system(part);
    if (!out) return nullptr;
  }
  for (const auto& nested : part["valueSet"]) {
    const auto codes = expand(nested.str());
    if (!codes) return nullptr;
    if (out)
      out->keep_common(*codes);
    else
      out = std::make_shared<code_set>(*codes);
  }
  return out;
}

std::shared_ptr<code_set> terminology::list_system(const base::json& part) {
  const auto& system = part["system"].str();
  auto out = std::make_shared<code_set>();
  if (part["concept"].size() > 0) {
    for (const auto& c : part["concept"]) out->add(system, c["code"].str());
    return out;
  }
  const auto& version = part["version"].str();
  const auto* code_system = code_systems_.find(version.empty() ? system : system + "|" + version);
  if (!code_system || (*code_system)["content"].str() != "complete") return nullptr;
  const auto all = concepts_of(*code_system);
  if (all.size() > max_codes) return nullptr;
  for (const auto& c : all) {
    bool in = true;
    for (const auto& filter : part["filter"]) {
      const auto verdict = passes(*c, filter);
      if (!verdict) return nullptr;
      in = in && *verdict;
    }
    if (in) out->add(system, (*c->value)["code"].str());
  }
  return out;
}

}  // namespace dsf::fhir
