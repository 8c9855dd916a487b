// BPMN errors and faults of the process (engine 1c.5; dsf-bpe 3.4, 10.1 L14; docs/design.md, decision 8).
#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

phase phase_of(stage s) {
  switch (s) {
    case stage::arrive:
    case stage::enter: return phase::before;
    case stage::begin:
    case stage::process_start: return phase::start;
    case stage::execute: return phase::behaviour;
    case stage::create: return phase::create;
    case stage::complete: return phase::complete;
    case stage::finish:
    case stage::leave:
    case stage::process_end: return phase::end;
    case stage::outgoing:
    case stage::inner_done: return phase::after;
    case stage::take: return phase::take;
  }
  return phase::behaviour;
}

}  // namespace

std::string machine::fatal_text(local_id id, node_index n, const std::string& reason) const {
  std::string place = n == no_node ? model.key : node_at(n).id;
  if (const auto* e = find(id); e && e->activity_instance > root_execution) place += ":" + std::to_string(e->activity_instance);
  return "Process " + model.key + "|" + model.version_tag + " has fatal error in step " + place + ", reason: " + reason;
}

// A retryable activity tries the failed stage again by a continuation job; any other ends the instance.
base::result<> machine::fault(const cursor& c, const base::error& error) {
  const execution* e = find(c.execution);
  const std::string text = error.text();
  if (!e || c.node == no_node || !covered(c.node)) {
    fail(c.execution, c.node, text);
    return {};
  }
  // Outputs are evaluated after the last end listener.
  const std::uint32_t index = c.at == stage::leave ? static_cast<std::uint32_t>(node_at(c.node).listeners.size()) : c.index;
  if (c.at != stage::take) move(c.execution, c.node, phase_of(c.at), index);
  job j;
  j.id = fresh_id();
  j.kind = job_kind::continuation;
  j.status = job_status::delivering;  // not announced yet
  j.execution = c.execution;
  j.node = c.node;
  j.listener_index = index;
  j.exclusive = node_at(c.node).exclusive;
  j.since = now;
  if (continued_ && continued_->execution == c.execution && continued_->node == c.node) {
    j.retries_left = continued_->retries_left;
    j.attempt = continued_->attempt;
  }
  emit(events::job_created{j});
  return retry_or_raise(j, text, true, false);
}

// engine 1c.5: scope by scope from the thrower; of one activity's boundary events, those with a code come first.
void machine::throw_error(local_id from, const std::string& code, const std::string& message) {
  for (local_id id = from; id != 0;) {
    const execution& e = at(id);
    const local_id outer = e.parent;
    if (e.scope && e.scope_node != no_node && node_at(e.scope_node).loop.has_value() == e.body) {
      node_index best = no_node;
      for (const node_index b : node_at(e.scope_node).boundary) {
        const event_definition& catcher = node_at(b).event;
        if (catcher.kind != event_kind::error) continue;
        if (!catcher.name.empty() && catcher.name == code) {
          best = b;
          break;
        }
        if ((catcher.name.empty() || DSF_MUTANT("bpmn.error_boundary_catches_every_code")) && best == no_node) best = b;
      }
      if (best != no_node) {
        const event_definition& catcher = node_at(best).event;
        cancel_tree(id);
        if (over()) return;
        if (!catcher.error_code_variable.empty()) set(outer, catcher.error_code_variable, value(code));
        if (!catcher.error_message_variable.empty()) set(outer, catcher.error_message_variable, message.empty() ? value() : value(message));
        go(outer, stage::arrive, best);
        return;
      }
    }
    id = outer;
  }
  std::string reason = "BPMN error '" + code + "'";
  if (!message.empty()) reason += " (" + message + ")";
  reason += " is not caught by any boundary event";
  fail(from, find(from) ? at(from).node : no_node, reason);
}

void machine::fail(local_id id, node_index n, const std::string& reason) { fail_instance(fatal_text(id, n, reason)); }

void machine::fail_instance(const std::string& text) {
  if (over()) return;
  finish_all_tasks(text);
  for (const auto& j : state.jobs) withdraw(j);
  for (const auto& s : state.subscriptions)
    if (s.kind != subscription_kind::conditional)
      tell(close_subscription{s.id, s.kind == subscription_kind::signal, s.name, s.correlation_key, s.has_correlation_key});
  for (const auto& m : state.messages)
    if (!m.refused) tell(cancel_message{m.id});
  for (const auto& i : state.incidents) tell(resolve_incident{i.id});
  emit(events::instance_finished{instance_status::failed, text, now});
  tell(instance_ended{true, text});
}

// Operaton leaves such an instance behind for ever (a join that lacks a token which can't come any more).
base::result<> machine::check_stuck() {
  if (over() || !state.jobs.empty() || !state.subscriptions.empty() || !state.messages.empty() || !state.user_tasks.empty()) return {};
  for (const auto& e : state.executions)
    if (e.at == phase::join || e.at == phase::behaviour) {
      fail(e.id, e.node, "the token at '" + node_at(e.node).id + "' can never go on: nothing is left that it could wait for");
      return {};
    }
  return base::fail(errc::bug, "the instance runs but waits for nothing");
}

}  // namespace dsf::bpmn
