#include "plugins/states.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace dsf::plugins {
namespace {

constexpr std::array<std::string_view, 6> names{"new", "missing", "excluded", "retired", "draft", "active"};

int rank(std::string_view type) {
  static constexpr std::string_view order[] = {
      "NamingSystem", "CodeSystem", "ValueSet", "StructureDefinition", "Library", "Measure", "Questionnaire", "ActivityDefinition", "Task"};
  return static_cast<int>(std::ranges::find(order, type) - std::begin(order));
}

struct merged {
  state from = state::new_, to = state::excluded;
  bool dropped = false;  // of a draft that no longer lists it
  const bundle_resource* content = nullptr;
  std::vector<const bundle*> plugins;
};

}  // namespace

std::string_view to_string(state s) noexcept { return names[static_cast<std::size_t>(s)]; }

std::optional<state> stored_state(std::string_view text) {
  for (const auto s : {state::excluded, state::retired, state::draft, state::active})
    if (to_string(s) == text) return s;
  return std::nullopt;
}

resource_action action_for(state from, state to) noexcept {
  const bool there = from == state::active || from == state::draft || from == state::retired;
  if (to == state::excluded) return there ? resource_action::remove : resource_action::none;
  if (!there) return resource_action::create;
  if (from == to && from != state::draft) return resource_action::look;
  return resource_action::update;
}

std::vector<resource_change> plan_resources(std::span<const process_change> processes) {
  std::map<std::pair<std::string, std::string>, merged> resources;
  for (const auto& p : processes) {
    const auto was_recorded = [&](const std::string& type, const std::string& criteria) {
      return !p.recorded || std::ranges::find(*p.recorded, recorded_resource{type, criteria}) != p.recorded->end();
    };
    if (p.content)
      for (const auto& r : p.content->resources) {
        auto& m = resources[{r.type, r.criteria}];
        if (!m.content) m.content = &r;
        m.plugins.push_back(p.plugin);
        m.from = std::max(m.from, was_recorded(r.type, r.criteria) ? p.from : state::missing);
        m.to = std::max(m.to, p.to);
      }
    if (!p.recorded) continue;
    for (const auto& r : *p.recorded) {
      const bool listed = p.content && std::ranges::any_of(p.content->resources,
                                                           [&](const auto& c) { return c.type == r.type && c.criteria == r.criteria; });
      if (listed) continue;
      // It goes with its process, or when a draft no longer lists it; what an active version once brought stays.
      const bool goes = p.to == state::excluded || (p.from == state::draft && p.to == state::draft);
      auto& m = resources[{r.type, r.criteria}];
      m.from = std::max(m.from, p.from);
      if (goes)
        m.dropped = true;
      else
        m.to = std::max(m.to, p.to);
    }
  }
  std::vector<resource_change> out;
  for (auto& [key, m] : resources) {
    resource_change c{key.first, key.second, action_for(m.from, m.to), m.to, m.content, std::move(m.plugins)};
    if (!m.content && c.action != resource_action::remove) continue;  // nobody brings it, and it stays
    if (c.action != resource_action::none) out.push_back(std::move(c));
  }
  std::ranges::stable_sort(out, {}, [](const resource_change& c) { return c.action == resource_action::remove ? -1 : rank(c.type); });
  return out;
}

}  // namespace dsf::plugins
