// What each command does first; the run loop does the rest.
#include <algorithm>

#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

base::failure not_waiting(std::string text) { return base::fail(errc::not_waiting, std::move(text)); }

// Wherever values come in from outside.
template <class List>
base::result<> check_depth(const List& variables) {
  const auto check = [](const std::string& name, const value& v) -> base::result<> {
    if (!nests_too_deep(v)) return {};
    return base::fail(errc::evaluation,
                      "the variable '" + name + "' is nested deeper than " + std::to_string(value_depth_limit) + " levels");
  };
  for (const auto& v : variables) {
    if constexpr (requires { v.new_value; })
      TRY(check(v.name, v.new_value));
    else
      TRY(check(v.first, v.second));
  }
  return {};
}

class performer {
public:
  explicit performer(machine& m) : m_(m) {}

  base::result<> operator()(const start_instance& c) {
    if (m_.state.status != instance_status::fresh) return not_waiting("the instance has started already");
    if (std::ranges::find(m_.model.starts, c.start_event) == m_.model.starts.end())
      return base::fail(errc::bad_model, "the process " + m_.model.key + " has no such start event");
    TRY(check_depth(c.variables));
    m_.emit(
        events::instance_started{m_.model.sha256, c.process_instance_id, c.business_key, c.start_event, c.message_name, c.task, m_.now});
    std::vector<events::variable_write> writes;
    for (const auto& [name, v] : c.variables) writes.push_back({name, shared_value(v), false});
    m_.write(root_execution, std::move(writes));
    m_.go(root_execution, stage::process_start, no_node);
    return {};
  }

  base::result<> operator()(const message_received& c) {
    // dsf-bpe 1.8: exactly one waiting execution must match; with a correlation key it must have that key as a local variable.
    std::vector<local_id> found;
    const auto matches = [&](const subscription& s) {
      return s.kind == subscription_kind::message && s.name == c.name &&
             (!c.has_correlation_key || DSF_MUTANT("bpmn.correlation_key_ignored") || DSF_MUTANT("correlation-takes-the-first") ||
              (s.has_correlation_key && s.correlation_key == c.correlation_key));
    };
    if (c.subscription) {
      if (const auto* s = m_.state.subscriptions.find(c.subscription); s && matches(*s)) found.push_back(s->id);
    } else {
      for (const auto& s : m_.state.subscriptions)
        if (matches(s)) found.push_back(s.id);
    }
    if (found.size() > 1 && DSF_MUTANT("correlation-takes-the-first")) found.resize(1);
    if (found.size() != 1)
      return not_waiting((found.empty() ? "no execution waits" : std::to_string(found.size()) + " executions wait") +
                         std::string(" for message '") + c.name +
                         (c.has_correlation_key ? "' with correlation key '" + c.correlation_key + "'" : "'"));
    const subscription s = *m_.state.subscriptions.find(found.front());
    if (c.task) m_.receive(s.execution, s.node, *c.task);
    return m_.fire(s.id);
  }

  base::result<> operator()(const signal_received& c) {
    std::vector<local_id> found;
    for (const auto& s : m_.state.subscriptions)
      if (s.kind == subscription_kind::signal && s.name == c.name) found.push_back(s.id);
    TRY(check_depth(c.variables));
    if (found.empty()) return not_waiting("no execution waits for signal '" + c.name + "'");
    for (const local_id id : found) {
      const auto* s = m_.state.subscriptions.find(id);
      if (!s) continue;
      const local_id owner = s->execution;
      for (const auto& [name, v] : c.variables) m_.set(owner, name, v);
      TRY(m_.fire(id));
    }
    return {};
  }

  base::result<> operator()(const timer_due& c) { return m_.timer_fired(c); }
  base::result<> operator()(const continue_job& c) { return m_.continue_at(c); }
  base::result<> operator()(const handler_completed& c) {
    TRY(check_depth(c.variables));
    return m_.handler_done(c);
  }
  base::result<> operator()(const handler_bpmn_error& c) {
    TRY(check_depth(c.variables));
    return m_.handler_error(c);
  }
  base::result<> operator()(const handler_failed& c) { return m_.handler_failure(c); }

  base::result<> operator()(const handler_ended_instance& c) {
    const job* j = m_.state.jobs.find(c.job);
    if (!j || j->kind != job_kind::handler || j->status != job_status::ready)
      return not_waiting("nothing waits for job " + std::to_string(c.job) + " (any more)");
    m_.fail_instance(c.reason.empty() ? "ended by a handler" : c.reason);
    return {};
  }

  base::result<> operator()(const message_delivered& c) {
    const auto* message = m_.state.messages.find(c.message);
    if (!message || message->refused) return not_waiting("nothing waits for message " + std::to_string(c.message) + " (any more)");
    const local_id owner = message->job;
    const auto content = message->content;
    m_.emit(events::message_settled{c.message, true});
    m_.annotate(content->on_delivered);
    if (m_.over() || m_.state.jobs.find(owner)->status != job_status::delivering) return {};
    return m_.settle_sends(owner);
  }
  base::result<> operator()(const message_refused& c) { return m_.refused(c); }

  base::result<> operator()(const complete_user_task& c) {
    const auto* found = m_.state.user_tasks.find(c.user_task);
    if (!found) return not_waiting("there is no user task " + std::to_string(c.user_task) + " (any more)");
    const user_task t = *found;
    if (m_.at(t.execution).at != phase::behaviour)
      return not_waiting("user task " + std::to_string(c.user_task) + " can't be completed now: its listeners are running; try again");
    TRY(check_depth(c.variables));
    for (const auto& [name, v] : c.variables) m_.set(t.execution, name, v);
    m_.move(t.execution, t.node, phase::complete);
    m_.go(t.execution, stage::complete, t.node);
    return {};
  }

  base::result<> operator()(const retry_incident& c) { return m_.retry(c); }

  base::result<> operator()(const cancel_instance& c) {
    m_.fail_instance(c.reason.empty() ? "cancelled" : c.reason);
    return {};
  }

private:
  machine& m_;
};

}  // namespace

base::result<> machine::perform(const command& c) {
  if (!std::holds_alternative<start_instance>(c.what) && state.status != instance_status::running)
    return not_waiting(state.status == instance_status::fresh ? "the instance has not started" : "the instance has ended");
  const auto at_job = [&](local_id id) {
    if (const auto* j = state.jobs.find(id)) commanded_ = {j->execution, stage::execute, j->node, 0};
  };
  const auto at_message = [&](local_id id) {
    if (const auto* m = state.messages.find(id)) at_job(m->job);
  };
  if (const auto* x = std::get_if<handler_completed>(&c.what)) at_job(x->job);
  if (const auto* x = std::get_if<handler_bpmn_error>(&c.what)) at_job(x->job);
  if (const auto* x = std::get_if<timer_due>(&c.what)) at_job(x->job);
  if (const auto* x = std::get_if<message_delivered>(&c.what)) at_message(x->message);
  if (const auto* x = std::get_if<message_refused>(&c.what)) at_message(x->message);
  return std::visit(performer(*this), c.what);
}

// Goes on where the execution stands: an async continuation, or the stage that failed.
base::result<> machine::continue_at(const continue_job& c) {
  const job* found = state.jobs.find(c.job);
  if (!found || found->kind != job_kind::continuation || found->status != job_status::ready)
    return not_waiting("nothing waits for continuation " + std::to_string(c.job) + " (any more)");
  continued_ = *found;
  const local_id id = found->execution;
  const node_index n = found->node;
  const std::uint32_t index = found->listener_index;
  const phase stood = at(id).at;
  remove_job(c.job, false);
  if (over()) return {};
  switch (stood) {
    case phase::before: go(id, stage::enter, n); break;
    case phase::start: go(id, stage::begin, n, index); break;
    case phase::behaviour: go(id, stage::execute, n); break;
    case phase::create: go(id, stage::create, n, index); break;
    case phase::complete: go(id, stage::complete, n, index); break;
    case phase::end: go(id, stage::finish, n, index); break;
    case phase::after: go(id, is_inner(id, n) ? stage::inner_done : stage::outgoing, n); break;
    case phase::take: go(id, stage::take, n, index); break;
    default: return base::fail(errc::bug, "a continuation at an execution that does not wait", node_at(n).id);
  }
  return {};
}

}  // namespace dsf::bpmn
