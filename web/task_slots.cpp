// What a draft Task and its profile say of the inputs of a process.
#include <algorithm>
#include <charconv>
#include <map>

#include "fhir/semantics/names.hpp"
#include "web/task_form.hpp"

namespace dsf::web {
namespace {

using base::json;

// What a slice of Task.input says; each part is there or not.
struct slice_facts {
  std::string system, code, type;
  std::optional<int> min, max;
  json fixed_value;
  std::string fixed_type;
};

// The value of fixed[x] or pattern[x] of an ElementDefinition, and its type.
std::pair<const json*, std::string> fixed_of(const json& element) {
  for (const auto& [name, v] : *element.if_object())
    for (const std::string_view prefix : {"fixed", "pattern"})
      if (name.starts_with(prefix) && name.size() > prefix.size()) return {&v, name.substr(prefix.size())};
  return {nullptr, {}};
}

void take(slice_facts& s, std::string_view rest, const json& e) {
  if (rest.empty()) {
    if (e["min"].is_number()) s.min = static_cast<int>(e["min"].int_or(0));
    if (const auto& max = e["max"].str(); !max.empty()) {
      int n = -1;
      if (max != "*") std::from_chars(max.data(), max.data() + max.size(), n);
      s.max = n;
    }
    return;
  }
  const auto [fixed, type] = fixed_of(e);
  if (rest == "type" && fixed) {
    s.system = (*fixed)["coding"][std::size_t{0}]["system"].str();
    s.code = (*fixed)["coding"][std::size_t{0}]["code"].str();
  }
  if (rest == "type.coding" && fixed) {
    s.system = (*fixed)["system"].str();
    s.code = (*fixed)["code"].str();
  }
  if (rest == "type.coding.system" && fixed) s.system = fixed->str();
  if (rest == "type.coding.code" && fixed) s.code = fixed->str();
  if (rest.starts_with("value")) {
    // "value[x]", "value[x]:valueString", "valueString"; deeper paths are about parts of the value.
    if (rest.find('.') != rest.npos) return;
    if (fixed) {
      s.fixed_value = *fixed;
      s.fixed_type = type;
      if (auto small = type; !small.empty()) {
        small[0] = static_cast<char>(small[0] | 0x20);
        s.type = value_of(json(json::object{{"value" + type, true}})).second;
      }
    }
    if (e["type"].size() == 1) s.type = e["type"][std::size_t{0}]["code"].str();
  }
}

std::vector<std::pair<std::string, slice_facts>> slices_of(const json& profile) {
  std::vector<std::pair<std::string, slice_facts>> out;
  const auto& snapshot = profile["snapshot"]["element"];
  const auto& list = snapshot.size() > 0 ? snapshot : profile["differential"]["element"];
  for (const auto& e : list) {
    const auto& id = e["id"].str();
    constexpr std::string_view prefix = "Task.input:";
    if (!id.starts_with(prefix)) continue;
    const auto dot = id.find('.', prefix.size());
    const auto name = id.substr(prefix.size(), dot == id.npos ? id.npos : dot - prefix.size());
    auto at = std::ranges::find(out, name, &std::pair<std::string, slice_facts>::first);
    if (at == out.end()) at = out.insert(at, {name, {}});
    take(at->second, dot == id.npos ? std::string_view() : std::string_view(id).substr(dot + 1), e);
  }
  // The slices that every Task has are defined by DSF's own profile; a differential only narrows them.
  for (auto& [name, s] : out)
    if (s.code.empty() && (name == "message-name" || name == "business-key" || name == "correlation-key")) {
      s.system = fhir::names::bpmn_message;
      s.code = name;
      if (s.type.empty()) s.type = "string";
    }
  return out;
}

bool is_message_name(const input_slot& s) { return s.system == fhir::names::bpmn_message && s.code == "message-name"; }

json concept_of(const std::string& system, const std::string& code) {
  return json::object{{"coding", json::array{json(json::object{{"system", system}, {"code", code}})}}};
}

}  // namespace

std::vector<input_slot> input_slots(const json& draft, const json& profile) {
  std::vector<input_slot> slots;
  const auto slot_of = [&](const std::string& system, const std::string& code) -> input_slot* {
    for (auto& s : slots)
      if (s.system == system && s.code == code) return &s;
    return nullptr;
  };
  for (const auto& in : draft["input"]) {
    const auto& coding = in["type"]["coding"][std::size_t{0}];
    auto* s = slot_of(coding["system"].str(), coding["code"].str());
    if (!s) {
      input_slot fresh;
      fresh.system = coding["system"].str();
      fresh.code = coding["code"].str();
      fresh.type = in["type"];
      fresh.shape.type = value_of(in).second;
      const auto& display = coding["display"].str();
      fresh.shape.label = display.empty() ? fresh.code : display;
      slots.push_back(std::move(fresh));
      s = &slots.back();
    }
    s->values.push_back(in);
  }
  for (const auto& [name, facts] : slices_of(profile)) {
    if (facts.code.empty()) continue;
    auto* s = slot_of(facts.system, facts.code);
    if (!s) {
      // What is not in the draft can be added; keys, which the engine makes, only where the profile demands one.
      const bool key = facts.system == fhir::names::bpmn_message && facts.min.value_or(0) == 0;
      if (facts.max == 0 || key || !is_editable(facts.type)) continue;
      input_slot fresh;
      fresh.system = facts.system;
      fresh.code = facts.code;
      fresh.type = concept_of(facts.system, facts.code);
      fresh.shape.label = facts.code;
      slots.push_back(std::move(fresh));
      s = &slots.back();
    }
    s->min = facts.min.value_or(s->min);
    s->max = facts.max.value_or(s->max);
    if (!facts.type.empty() && s->values.empty()) s->shape.type = facts.type;
    if (!facts.fixed_value.is_null()) {
      s->fixed = true;
      if (s->values.empty() && s->min > 0) {
        json in = json::object{{"type", s->type}};
        in.set("value" + facts.fixed_type, facts.fixed_value);
        s->values.push_back(std::move(in));
      }
    }
  }
  for (auto& s : slots) {
    if (is_message_name(s) || !is_editable(s.shape.type)) s.fixed = true;
    s.shape.required = s.min > 0;
  }
  // An optional input whose value is fixed and that the draft does not have says nothing.
  std::erase_if(slots, [](const input_slot& s) { return s.fixed && s.values.empty(); });
  return slots;
}

}  // namespace dsf::web
