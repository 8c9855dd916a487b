// A host for tests: keeps the rows that effects ask for, and checks after every step that replaying the events gives the same state and that the
// rows say the same as the state.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bpmn/errc.hpp"
#include "bpmn/execution/advance.hpp"

namespace dsf::bpmn::testing {

class test_host {
public:
  explicit test_host(std::shared_ptr<const definition> d) : model(std::move(d)) {}

  // The error is the engine's; an invariant that broke is in `broken`.
  base::result<> perform(decltype(command::what) what) {
    command c{now, "test", std::move(what)};
    auto out = advance(*model, state, c, {}, limits);
    if (!out) return base::failure(std::move(out).error());
    if (!out->questions.empty()) return base::fail(errc::bug, "questions: " + out->questions.front().text);
    // Faults found: advance and apply disagree, an event misses a field.
    instance_state replayed = state;
    for (const auto& e : out->events)
      if (auto done = apply(*model, replayed, e); !done) note("replay: " + done.error().to_string());
    if (!(replayed == out->state)) note("replaying the events gives another state");
    events.insert(events.end(), out->events.begin(), out->events.end());
    last_effects = out->effects;
    state = std::move(out->state);
    for (const auto& e : last_effects) std::visit(*this, e);
    check();
    if (on_step) on_step(*this);
    return {};
  }

  // ---- rows
  void operator()(const run_handler& x) { put(handlers, x.job, x), due[x.job] = x.due; }
  void operator()(const schedule_timer& x) { put(timers, x.job, x), due[x.job] = x.due; }
  void operator()(const schedule_continuation& x) { put(continuations, x.job, x), due[x.job] = x.due; }
  void operator()(const cancel_job& x) {
    if (handlers.erase(x.job) + timers.erase(x.job) + continuations.erase(x.job) != 1)
      note("cancel_job without a row " + std::to_string(x.job));
    if (due[x.job] != x.due) note("cancel_job with another due time " + std::to_string(x.job));
    due.erase(x.job);
  }
  void operator()(const open_subscription& x) { put(subscriptions, x.subscription, x); }
  void operator()(const close_subscription& x) {
    const auto at = subscriptions.find(x.subscription);
    if (at == subscriptions.end() || at->second.name != x.name || at->second.correlation_key != x.correlation_key ||
        at->second.has_correlation_key != x.has_correlation_key || at->second.signal != x.signal)
      note("close_subscription without its row " + std::to_string(x.subscription));
    else
      subscriptions.erase(at);
  }
  void operator()(const send_message& x) { put(messages, x.message, x); }
  void operator()(const cancel_message& x) {
    if (!messages.erase(x.message)) note("cancel_message without a row " + std::to_string(x.message));
  }
  void operator()(const throw_signal& x) { signals.push_back(x.name); }
  void operator()(const finish_task& x) {
    if (!task_status.emplace(x.task.id, x).second) note("Task " + x.task.id + " is finished twice");
  }
  void operator()(const update_task& x) { updates.push_back(x); }
  void operator()(const raise_incident& x) { put(incidents, x.job, x); }
  void operator()(const resolve_incident& x) {
    if (!incidents.erase(x.job)) note("resolve_incident without a row " + std::to_string(x.job));
  }
  void operator()(const instance_ended& x) {
    if (ended) note("ended twice");
    ended = x;
  }

  std::shared_ptr<const definition> model;
  instance_state state;
  execution_limits limits;
  base::timestamp now{1'767'225'600LL * base::us_per_s};  // 2026-01-01T00:00:00Z
  std::vector<event> events;
  std::vector<effect> last_effects;
  std::map<local_id, run_handler> handlers;
  std::map<local_id, schedule_timer> timers;
  std::map<local_id, schedule_continuation> continuations;
  std::map<local_id, open_subscription> subscriptions;
  std::map<local_id, send_message> messages;
  std::map<local_id, raise_incident> incidents;
  std::map<local_id, base::timestamp> due;
  std::map<std::string, finish_task> task_status;
  std::vector<update_task> updates;
  std::vector<std::string> signals;
  std::optional<instance_ended> ended;
  std::string broken;
  void (*on_step)(test_host&) = nullptr;

private:
  void note(const std::string& text) { broken += text + "\n"; }
  template <class Row>
  void put(std::map<local_id, Row>& rows, local_id id, const Row& row) {
    if (!rows.emplace(id, row).second) note("a second row " + std::to_string(id));
  }
  void check() {
    std::set<local_id> ready;
    for (const auto& j : state.jobs)
      if (j.status == job_status::ready) ready.insert(j.id);
    std::set<local_id> rows;
    for (const auto& [id, row] : handlers) rows.insert(id);
    for (const auto& [id, row] : timers) rows.insert(id);
    for (const auto& [id, row] : continuations) rows.insert(id);
    if (rows != ready) note("job rows differ from the state's jobs");
    std::set<local_id> open;
    for (const auto& s : state.subscriptions)
      if (s.kind != subscription_kind::conditional) open.insert(s.id);
    std::set<local_id> open_rows;
    for (const auto& [id, row] : subscriptions) open_rows.insert(id);
    if (open != open_rows) note("subscription rows differ from the state");
    std::set<local_id> sent;
    for (const auto& m : state.messages)
      if (!m.refused) sent.insert(m.id);
    std::set<local_id> sent_rows;
    for (const auto& [id, row] : messages) sent_rows.insert(id);
    if (sent != sent_rows) note("message rows differ from the state");
    if (state.incidents.size() != incidents.size()) note("incident rows differ from the state");
    // The tree: parents know their children, owners what they wait for.
    for (const auto& e : state.executions) {
      for (const local_id child : e.children)
        if (const auto* c = state.executions.find(child); !c || c->parent != e.id) note("a child that is none: " + std::to_string(child));
      for (const local_id wait : e.waits)
        if (!state.jobs.find(wait) && !state.subscriptions.find(wait) && !state.messages.find(wait) && !state.user_tasks.find(wait))
          note("waits for nothing: " + std::to_string(wait));
      if (e.id != root_execution && !state.executions.find(e.parent)) note("an orphan: " + std::to_string(e.id));
    }
    for (const auto& j : state.jobs)
      if (!state.executions.find(j.execution)) note("a job without execution: " + std::to_string(j.id));
    // (d) nothing is left after the end
    if (state.status == instance_status::completed || state.status == instance_status::failed) {
      if (!ended) note("ended without effect");
      if (!state.executions.empty() || !rows.empty() || !open_rows.empty() || !sent_rows.empty() || !incidents.empty())
        note("something is left after the end");
      if (state.start_task || !state.received_tasks.empty()) note("a Task is left in progress after the end");
    }
  }
};

}  // namespace dsf::bpmn::testing
