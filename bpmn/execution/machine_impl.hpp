// One step of an instance: the token game on a copy of the state. Reads to decide, emits events to change (docs/design.md, decision 7).
// Private to bpmn/execution.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpmn/errc.hpp"
#include "bpmn/execution/advance.hpp"

namespace dsf::bpmn {

// What an execution does next. Stages that wait have a phase in the state.
enum class stage : std::uint8_t {
  arrive,         // a token reached `node`
  enter,          // past asyncBefore: bodies, scopes
  begin,          // inputs, boundary events, start listeners from `index`
  execute,        // the behaviour
  create,         // user task: create listeners from `index`
  complete,       // user task: complete listeners from `index`
  finish,         // Task bookkeeping, end listeners from `index`
  leave,          // outputs, the scope goes, asyncAfter
  outgoing,       // past asyncAfter: outgoing flows
  inner_done,     // past asyncAfter of an inner instance: the multi-instance body counts
  take,           // take listeners from `index`, then the flow's target
  process_start,  // process listeners from `index`, then the start event
  process_end,    // process listeners from `index`, then the end
};

struct cursor {
  local_id execution = 0;
  stage at = stage::arrive;
  node_index node = no_node;
  std::uint32_t index = 0;
};

// The functions that return result<> fail with a fault of the process at the current cursor, which the run loop turns into a retry or the end
// of the instance; errc::bug and errc::limit end the step itself.
class machine {
public:
  machine(const definition& d, const instance_state& s, const command& c, std::span<const el::answer> answers,
          const execution_limits& limits);

  base::result<> perform(const command& c);  // commands.cpp
  base::result<> run();  // until every token waits
  step take_result() &&;

  // ---- state and events
  template <class Payload>
  void emit(Payload payload) {
    if (broken_) return;
    events_.push_back(event{std::move(payload)});
    if (auto done = apply(model, state, events_.back()); !done) broken_ = std::move(done).error();
  }
  void tell(effect e) { effects_.push_back(std::move(e)); }
  local_id fresh_id() { return next_++; }
  [[nodiscard]] const execution* find(local_id id) const { return state.executions.find(id); }
  [[nodiscard]] const execution& at(local_id id) const { return *state.executions.find(id); }
  [[nodiscard]] const node& node_at(node_index n) const { return model.nodes[n]; }
  [[nodiscard]] bool over() const { return state.status != instance_status::running || broken_.has_value(); }
  [[nodiscard]] bool asks() const { return !questions_.empty(); }

  void go(local_id execution, stage at, node_index node, std::uint32_t index = 0) { agenda_.push_back({execution, at, node, index}); }
  void move(local_id execution, node_index node, phase at, std::uint32_t index = 0);

  // ---- variables.cpp
  [[nodiscard]] const value* lookup(local_id from, std::string_view name) const;
  void write(local_id execution, std::vector<events::variable_write> writes);
  void write(local_id execution, std::string name, value v);
  void set(local_id from, const variable_change& change);
  void set(local_id from, std::string name, value v) { set(from, {variable_change::scope::nearest, std::move(name), std::move(v), false}); }
  base::result<value> evaluate(const expression_text& text, local_id from);
  base::result<bool> holds(const expression_text& condition, local_id from, const std::string& place);
  base::result<std::string> evaluate_text(const expression_text& text, local_id from);
  base::result<value> evaluate(const parameter_value& p, local_id from);
  base::result<> check_conditions();

  // ---- tokens.cpp
  base::result<> advance_token(const cursor& c);
  [[nodiscard]] bool is_inner(local_id execution, node_index n) const;
  base::result<> take_flows(local_id execution, node_index n, bool conditions);
  void fork(local_id execution, const std::vector<flow_index>& flows);
  void end_branch(local_id execution);
  void prune(local_id scope);
  void scope_completed(local_id scope);
  local_id branch_beside(local_id child);  // a new concurrent execution beside the subtree of `child`
  void cancel_tree(local_id execution);
  void cancel_waits(local_id execution);
  void close_own_events(local_id execution);  // subscriptions and timers of the execution's own activity, not of its boundary events
  void wait_for_continuation(local_id execution, node_index n, phase at, bool exclusive);

  // ---- loop.cpp
  base::result<> enter_loop(local_id execution, node_index n);
  base::result<> inner_done(local_id inner, node_index n);

  // ---- listeners and jobs: jobs.cpp, retries.cpp
  base::result<bool> run_listener(local_id execution, node_index n, handler_call call, listener_event event, std::uint32_t index,
                                  phase waiting);
  base::result<> start_handler(job j);
  base::result<run_handler> activation(const job& j, const open_message* refused);
  void announce(const job& j, run_handler call);
  void withdraw(const job& j);
  void remove_job(local_id id, bool cancelled);
  base::result<> resume(const job& j);
  void detach_listeners(local_id execution, node_index n);
  [[nodiscard]] const delegate& delegate_of(const job& j) const;
  base::result<> handler_done(const handler_completed& c);
  base::result<> settle_sends(local_id job);
  base::result<> refused(const message_refused& c);
  base::result<> handler_error(const handler_bpmn_error& c);
  base::result<> handler_failure(const handler_failed& c);
  base::result<> retry(const retry_incident& c);
  base::result<> continue_at(const continue_job& c);
  base::result<> retry_or_raise(job j, const std::string& error, bool again, bool lost);
  [[nodiscard]] bool covered(node_index n) const;

  // ---- catching.cpp, timers.cpp
  base::result<> open_event(local_id execution, node_index catching);
  base::result<> open_boundary(local_id execution, node_index n);
  base::result<> trigger(local_id execution, node_index catching);
  void close(const subscription& s);
  base::result<> fire(local_id subscription);
  base::result<> throw_signal_now(const std::string& name);
  base::result<job> timer_for(local_id execution, node_index catching);
  base::result<> timer_fired(const timer_due& c);

  // ---- faults.cpp
  base::result<> fault(const cursor& c, const base::error& error);
  [[nodiscard]] const cursor& commanded() const { return commanded_; }
  void throw_error(local_id from, const std::string& code, const std::string& message);
  void fail(local_id execution, node_index n, const std::string& reason);
  void fail_instance(const std::string& text);
  [[nodiscard]] std::string fatal_text(local_id execution, node_index n, const std::string& reason) const;

  // ---- tasks.cpp (dsf-bpe 1.9)
  void receive(local_id execution, node_index catching, const received_task& task);
  void annotate(const std::vector<task_change>& changes);
  void finish_current_tasks(local_id execution);
  void finish_all_tasks(const std::string& error);
  void complete_instance();

  const definition& model;
  instance_state state;
  const base::timestamp now;
  const execution_limits& limits;

private:
  friend class scope_view;
  struct variable_event {
    local_id execution;
    std::string name;
    std::string kind;  // create, update, delete
  };
  void finish_task_record(local_id owner, const task_record& t, std::string status, const std::string& error);
  base::result<> check_stuck();

  std::span<const el::answer> answers_;
  std::vector<event> events_;
  std::vector<effect> effects_;
  std::vector<el::question> questions_;
  std::vector<cursor> agenda_;  // last first
  std::vector<variable_event> changes_;
  std::optional<base::error> broken_;
  std::size_t loop_steps_ = 0;  // what multi-instance activities add to the segment's limit
  std::optional<job> continued_;  // the continuation job that drives this step: its retries go on when the step fails at its place
  cursor commanded_;  // where the command's own work belongs, should it fail
  bool has_conditions_ = false;
  local_id next_ = 1;
};

std::string_view to_string(listener_event e);
// "true" for what a correlation key can be: text, numbers, booleans.
bool to_text(const value& v, std::string& out);

}  // namespace dsf::bpmn
