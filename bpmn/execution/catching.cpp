// What is waited for: messages, signals, timers, conditions (dsf-bpe 2.5, 2.7; engine 1c.13, 1c.14).
#include <algorithm>

#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {

// `id` owns what is opened: a catch event's own execution, an event-based gateway's, an activity with boundary events or its body.
base::result<> machine::open_event(local_id id, node_index catching) {
  const node& n = node_at(catching);
  const event_definition& e = n.event;
  if (e.kind == event_kind::timer) {
    job j = TRY(timer_for(id, catching));
    emit(events::job_created{j});
    announce(j, {});
    return {};
  }
  if (e.kind != event_kind::message && e.kind != event_kind::signal && e.kind != event_kind::conditional) return {};

  subscription s;
  s.execution = id;
  s.node = catching;
  s.since = now;
  if (e.kind == event_kind::conditional) {
    s.kind = subscription_kind::conditional;
    // engine 1c.14: conditional events are evaluated when their scope is created.
    auto is_true = holds(e.condition, id, n.id);
    if (!is_true && (asks() || !is_true.error().is(errc::unknown_identifier))) return base::failure(std::move(is_true).error());
    s.id = fresh_id();
    emit(events::subscription_opened{s});
    return is_true && *is_true ? fire(s.id) : base::result<>();
  }
  s.kind = e.kind == event_kind::signal ? subscription_kind::signal : subscription_kind::message;
  s.name = e.name_expression ? TRY(evaluate_text(e.name_expression, id)) : e.name;
  if (s.kind == subscription_kind::message)
    if (const auto* key = local_variable(at(id), "correlationKey")) s.has_correlation_key = to_text(key->get(), s.correlation_key);
  s.id = fresh_id();
  emit(events::subscription_opened{s});
  tell(open_subscription{s.id, s.kind == subscription_kind::signal, s.name, s.correlation_key, s.has_correlation_key});
  return {};
}

base::result<> machine::open_boundary(local_id id, node_index n) {
  for (const node_index b : node_at(n).boundary) {
    const bool open = std::ranges::any_of(at(id).waits, [&](local_id wait) {
      const auto* j = state.jobs.find(wait);
      const auto* s = state.subscriptions.find(wait);
      return (j && j->node == b) || (s && s->node == b);
    });
    if (open) continue;  // the activity is begun again after a fault
    TRY(open_event(id, b));
    if (over() || !find(id)) return {};
  }
  return {};
}

void machine::close(const subscription& s) {
  const local_id id = s.id;
  if (s.kind != subscription_kind::conditional)
    tell(close_subscription{id, s.kind == subscription_kind::signal, s.name, s.correlation_key, s.has_correlation_key});
  emit(events::subscription_closed{id});
}

base::result<> machine::fire(local_id id) {
  const auto* found = state.subscriptions.find(id);
  if (!found) return {};
  const subscription s = *found;
  const node& n = node_at(s.node);
  if (n.kind != node_kind::boundary_event || n.interrupting) close(s);
  return trigger(s.execution, s.node);
}

base::result<> machine::trigger(local_id id, node_index catching) {
  const node& n = node_at(catching);
  if (n.kind != node_kind::boundary_event) {
    const node_index waiting = at(id).node;
    return element_of(node_at(waiting).kind).triggered(*this, id, waiting, catching);
  }
  if (!n.interrupting && !DSF_MUTANT("bpmn.boundary_always_interrupts")) {
    go(branch_beside(id), stage::arrive, catching);
    return {};
  }
  const local_id outer = at(id).parent;
  cancel_tree(id);
  go(outer, stage::arrive, catching);
  return {};
}

// engine 1c.13: all subscriptions found before the first delivery; each is skipped if it has since gone.
base::result<> machine::throw_signal_now(const std::string& name) {
  std::vector<local_id> found;
  for (const auto& s : state.subscriptions)
    if (s.kind == subscription_kind::signal && s.name == name) found.push_back(s.id);
  for (const local_id id : found) TRY(fire(id));
  tell(throw_signal{name});
  return {};
}

}  // namespace dsf::bpmn
