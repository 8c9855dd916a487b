#include <map>
#include <optional>
#include <utility>

#include "bpmn/execution/command.hpp"

namespace dsf::bpmn {
namespace {

enum class thing : std::uint8_t { job, subscription, message, incident };
struct mark {
  thing what;
  local_id id;
  bool opens;
};

std::optional<mark> mark_of(const effect& e) {
  struct visitor {
    std::optional<mark> operator()(const run_handler& x) { return mark{thing::job, x.job, true}; }
    std::optional<mark> operator()(const schedule_timer& x) { return mark{thing::job, x.job, true}; }
    std::optional<mark> operator()(const schedule_continuation& x) { return mark{thing::job, x.job, true}; }
    std::optional<mark> operator()(const cancel_job& x) { return mark{thing::job, x.job, false}; }
    std::optional<mark> operator()(const open_subscription& x) { return mark{thing::subscription, x.subscription, true}; }
    std::optional<mark> operator()(const close_subscription& x) { return mark{thing::subscription, x.subscription, false}; }
    std::optional<mark> operator()(const send_message& x) { return mark{thing::message, x.message, true}; }
    std::optional<mark> operator()(const cancel_message& x) { return mark{thing::message, x.message, false}; }
    std::optional<mark> operator()(const raise_incident& x) { return mark{thing::incident, x.job, true}; }
    std::optional<mark> operator()(const resolve_incident& x) { return mark{thing::incident, x.job, false}; }
    std::optional<mark> operator()(const throw_signal&) { return std::nullopt; }
    std::optional<mark> operator()(const finish_task&) { return std::nullopt; }
    std::optional<mark> operator()(const update_task&) { return std::nullopt; }
    std::optional<mark> operator()(const instance_ended&) { return std::nullopt; }
  };
  return std::visit(visitor{}, e);
}

}  // namespace

void merge_effects(std::vector<effect>& effects) {
  std::map<std::pair<thing, local_id>, std::size_t> open;  // where it was announced
  std::vector<bool> dropped(effects.size(), false);
  bool any = false;
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const auto m = mark_of(effects[i]);
    if (!m) continue;
    const auto key = std::pair(m->what, m->id);
    if (m->opens) {
      open[key] = i;
    } else if (auto at = open.find(key); at != open.end()) {
      dropped[at->second] = dropped[i] = any = true;
      open.erase(at);
    }
  }
  if (!any) return;
  std::size_t to = 0;
  for (std::size_t i = 0; i < effects.size(); ++i) {
    if (dropped[i]) continue;
    if (to != i) effects[to] = std::move(effects[i]);
    ++to;
  }
  effects.resize(to);
}

}  // namespace dsf::bpmn
