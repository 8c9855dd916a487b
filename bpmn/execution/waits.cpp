// What a waiting instance waits for, for people.
#include "bpmn/execution/machine_impl.hpp"

namespace dsf::bpmn {
namespace {

std::string handler_detail(const definition& d, const job& j) {
  const auto class_of = [&](const std::vector<listener>& list) {
    return j.listener_index < list.size() ? list[j.listener_index].run.class_name : std::string();
  };
  std::string name;
  if (j.call == handler_call::execution_listener) {
    if (j.listener == listener_event::take)
      name = j.flow < d.flows.size() ? class_of(d.flows[j.flow].listeners) : "";
    else
      name = class_of(j.node == no_node ? d.listeners : d.nodes[j.node].listeners);
    name = std::string(to_string(j.listener)) + " listener " + name;
  } else if (j.call == handler_call::task_listener) {
    name = std::string(to_string(j.listener)) + " listener " + class_of(d.nodes[j.node].task_listeners);
  } else if (j.node != no_node) {
    const bool event = j.call == handler_call::message_throw || j.call == handler_call::message_end;
    name = event ? d.nodes[j.node].event.run.class_name : d.nodes[j.node].run.class_name;
  }
  if (j.attempt > 1) name += ", attempt " + std::to_string(j.attempt);
  if (!j.error.empty()) name += ", last error: " + j.error;
  return name;
}

}  // namespace

std::vector<wait_point> waits_for(const definition& d, const instance_state& state) {
  std::vector<wait_point> out;
  const auto activity = [&](node_index n) { return n == no_node ? d.key : d.nodes[n].id; };
  for (const auto& i : state.incidents) out.push_back({"incident", activity(i.node), i.error, i.since, {}});
  for (const auto& m : state.messages) {
    const auto* j = state.jobs.find(m.job);
    std::string detail = m.content->message_name + " to " + m.content->to.organization_identifier;
    if (!m.content->to.correlation_key.empty()) detail += ", correlation key " + m.content->to.correlation_key;
    if (m.refused) detail += ", refused: " + m.error;
    out.push_back({"delivery", activity(j ? j->node : no_node), std::move(detail), m.since, {}});
  }
  for (const auto& j : state.jobs) {
    if (j.status != job_status::ready) continue;
    switch (j.kind) {
      case job_kind::handler: out.push_back({"handler", activity(j.node), handler_detail(d, j), j.since, j.due}); break;
      case job_kind::timer: out.push_back({"timer", activity(j.node), base::to_iso(j.due), j.since, j.due}); break;
      case job_kind::continuation:
        out.push_back({"continuation", activity(j.node), j.error.empty() ? "" : "last error: " + j.error, j.since, j.due});
        break;
    }
  }
  for (const auto& s : state.subscriptions) {
    std::string detail = s.name;
    if (s.has_correlation_key) detail += ", correlation key " + s.correlation_key;
    const char* kind = s.kind == subscription_kind::message ? "message" : s.kind == subscription_kind::signal ? "signal" : "condition";
    if (s.kind == subscription_kind::conditional) detail = d.nodes[s.node].event.condition.text;
    out.push_back({kind, activity(s.node), std::move(detail), s.since, {}});
  }
  for (const auto& t : state.user_tasks) out.push_back({"user task", activity(t.node), t.form_key, t.since, {}});
  return out;
}

}  // namespace dsf::bpmn
