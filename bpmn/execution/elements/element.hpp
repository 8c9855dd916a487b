// One small class per kind of BPMN element (docs/design.md; style: Zeebe's element processors). Private to bpmn/execution.
#pragma once

#include "bpmn/execution/machine_impl.hpp"

namespace dsf::bpmn {

class element {
public:
  virtual ~element() = default;

  // Whether it needs an execution of its own (dsf-bpe 2.9); boundary events and parameters are seen to elsewhere.
  [[nodiscard]] virtual bool scope(const definition&, const node&) const { return false; }
  // The behaviour starts: start listeners are done. Either waits or goes on to stage::finish.
  virtual base::result<> execute(machine& m, local_id execution, node_index n) const = 0;
  // A handler of the activity itself has completed, and its messages are settled.
  virtual base::result<> handler_done(machine& m, local_id execution, node_index n) const {
    m.go(execution, stage::finish, n);
    return {};
  }
  // The message, signal, timer or condition `catching` happened; `execution` owned the subscription or job.
  virtual base::result<> triggered(machine& m, local_id execution, node_index n, node_index catching) const;
  // Where the token goes at the end.
  virtual base::result<> leave(machine& m, local_id execution, node_index n) const { return m.take_flows(execution, n, true); }
};

const element& element_of(node_kind kind);

// Its own scope execution: by kind, by boundary events, by parameters (the latter two concern the body when it is multi-instance).
bool has_scope(const definition& d, const node& n);
// engine 1b: what an event-based gateway has subscribed for does not wait again.
bool behind_event_gateway(const definition& d, const node& n);

const element& start_event_element();
const element& end_event_element();
const element& catch_event_element();
const element& throw_event_element();
const element& boundary_event_element();
const element& service_task_element();
const element& send_task_element();
const element& receive_task_element();
const element& user_task_element();
const element& plain_task_element();
const element& exclusive_gateway_element();
const element& parallel_gateway_element();
const element& event_based_gateway_element();
const element& sub_process_element();

}  // namespace dsf::bpmn
