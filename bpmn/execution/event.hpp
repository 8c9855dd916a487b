// What happened in an instance. Events carry resulting values, never formulas (docs/design.md, decision 7); number, time and cause stand in
// the batch. Their payloads are stored for ever: add kinds and fields, never change the meaning of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bpmn/execution/state.hpp"

namespace dsf::bpmn {
namespace events {

// Creates the process-instance execution (id 1).
struct instance_started {
  std::string definition_sha256;
  std::string process_instance_id;
  std::string business_key;
  node_index start_event = no_node;
  std::string message_name;
  std::optional<received_task> task;
  base::timestamp at;
  bool operator==(const instance_started&) const = default;
};
struct variable_write {
  std::string name;
  shared_value content;
  bool removed = false;
  bool operator==(const variable_write&) const = default;
};
// Local variables of `execution`; who owns a variable was decided before.
struct variables_written {
  local_id execution = 0;
  std::vector<variable_write> writes;
  bool operator==(const variables_written&) const = default;
};
struct execution_created {
  local_id id = 0;
  local_id parent = 0;
  bool scope = false;
  bool concurrent = false;
  bool body = false;
  node_index scope_node = no_node;
  node_index node = no_node;
  local_id scope_instance = 0;  // not 0: also the first activity instance id
  variable_list variables;
  bool operator==(const execution_created&) const = default;
};
// A token arrived: a new activity instance on this execution.
struct activity_started {
  local_id execution = 0;
  node_index node = no_node;
  local_id activity_instance = 0;
  bool operator==(const activity_started&) const = default;
};
struct execution_moved {
  local_id execution = 0;
  node_index node = no_node;
  phase at = phase::idle;
  std::uint32_t index = 0;
  bool operator==(const execution_moved&) const = default;
};
struct activity_ended {
  local_id execution = 0;
  node_index node = no_node;
  local_id activity_instance = 0;
  bool cancelled = false;
  bool operator==(const activity_ended&) const = default;
};
struct flow_taken {
  local_id execution = 0;
  flow_index flow = no_flow;
  bool operator==(const flow_taken&) const = default;
};
struct execution_removed {
  local_id execution = 0;  // has no children any more
  bool operator==(const execution_removed&) const = default;
};
// A new parent in the tree (a branch is wrapped by a concurrent execution, or unwrapped).
struct execution_attached {
  local_id execution = 0;
  local_id parent = 0;
  bool operator==(const execution_attached&) const = default;
};
// The last concurrent branch of a scope goes on as the scope execution itself: position, variables, children, jobs and subscriptions move
// to the parent, the branch is gone.
struct execution_merged {
  local_id execution = 0;
  bool operator==(const execution_merged&) const = default;
};
// Counters of a multi-instance body, and its variables nrOf...
struct loop_advanced {
  local_id execution = 0;
  loop_state counters;
  bool operator==(const loop_advanced&) const = default;
};
struct job_created {
  job content;
  bool operator==(const job_created&) const = default;
};
struct job_changed {
  job content;
  bool operator==(const job_changed&) const = default;
};
struct job_removed {
  local_id job = 0;
  bool cancelled = false;
  bool operator==(const job_removed&) const = default;
};
// Also replaces the subscription of the same id (its correlation key changed).
struct subscription_opened {
  subscription content;
  bool operator==(const subscription_opened&) const = default;
};
struct subscription_closed {
  local_id subscription = 0;
  bool operator==(const subscription_closed&) const = default;
};
struct message_queued {
  open_message content;
  bool operator==(const message_queued&) const = default;
};
struct message_bounced {  // refused for good
  local_id message = 0;
  std::string error;
  std::int32_t http_status = 0;
  bool operator==(const message_bounced&) const = default;
};
struct message_settled {  // delivered, reacted to, or of no interest any more
  local_id message = 0;
  bool delivered = false;
  bool operator==(const message_settled&) const = default;
};
struct user_task_created {
  user_task content;
  bool operator==(const user_task_created&) const = default;
};
struct user_task_ended {
  local_id user_task = 0;
  bool cancelled = false;
  bool operator==(const user_task_ended&) const = default;
};
struct incident_raised {
  incident content;
  bool operator==(const incident_raised&) const = default;
};
struct incident_resolved {
  local_id job = 0;
  bool operator==(const incident_resolved&) const = default;
};
struct task_received {
  local_id owner = 0;  // parent activity instance
  received_task task;
  bool operator==(const task_received&) const = default;
};
struct task_annotated {
  task_change change;
  bool operator==(const task_annotated&) const = default;
};
// A Task version shows its pending changes now.
struct task_written {
  std::string task_id;
  bool operator==(const task_written&) const = default;
};
struct task_finished {
  local_id owner = 0;  // 0: the start Task
  std::string task_id;
  std::string status;  // completed, failed
  std::string error;
  bool operator==(const task_finished&) const = default;
};
// Executions, jobs, subscriptions and all else that waits are gone with it.
struct instance_finished {
  instance_status status = instance_status::completed;
  std::string reason;
  base::timestamp at;
  bool operator==(const instance_finished&) const = default;
};

}  // namespace events

struct event {
  // The order is the stored tag; append only.
  using storage = std::variant<events::instance_started, events::variables_written, events::execution_created, events::activity_started,
                               events::execution_moved, events::activity_ended, events::flow_taken, events::execution_removed,
                               events::execution_attached, events::execution_merged, events::loop_advanced, events::job_created,
                               events::job_changed, events::job_removed, events::subscription_opened, events::subscription_closed,
                               events::message_queued, events::message_bounced, events::message_settled, events::user_task_created,
                               events::user_task_ended, events::incident_raised, events::incident_resolved, events::task_received,
                               events::task_annotated, events::task_written, events::task_finished, events::instance_finished>;
  storage what;
  bool operator==(const event&) const = default;
};

constexpr std::uint32_t current_applier_version = 1;

// The events of one step, as they are stored (one record).
struct event_batch {
  std::uint64_t first_number = 0;  // of its first event; the instance's first event is 1
  base::timestamp time;
  std::string cause;  // command::cause
  std::string definition_sha256;
  std::uint32_t applier_version = current_applier_version;
  std::vector<event> events;
  bool operator==(const event_batch&) const = default;
};

// "activity_started", ...
std::string_view name_of(const event& e);

}  // namespace dsf::bpmn
