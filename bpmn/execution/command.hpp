// What can happen to a process instance, and what the instance asks of the world. Plain values; see advance.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "bpmn/el/expression.hpp"
#include "bpmn/model.hpp"
#include "bpmn/value.hpp"

namespace dsf::bpmn {

// Ids inside one instance: small numbers from one counter, never reused.
using local_id = std::uint32_t;

// A FHIR Task that started or continues the instance.
struct received_task {
  fhir_reference reference;     // Task/<id>, the in-progress version is written in the same commit
  bool operator==(const received_task&) const = default;
};

// A change to a received Task which is durable with the outcome that made it (dsf-bpe Appendix A.1).
struct task_change {
  std::string task_id;                    // id part of the Task
  std::vector<std::string> add_outputs;   // Task.output elements as JSON text
  std::string status;                     // "" or "failed" (completed is set by the end event)
  std::string status_reason;              // text of Task.statusReason
  bool write_now = false;                 // put a Task version at once (v2 StartTaskUpdater); else with the final version
  bool operator==(const task_change&) const = default;
};

struct variable_change {
  enum class scope : std::uint8_t { nearest, local, instance };  // nearest: the owner up the chain, else the instance (dsf-bpe 2.9)
  scope where = scope::nearest;
  std::string name;
  value new_value;
  bool remove = false;
  bool operator==(const variable_change&) const = default;
};

// A message to another site, built by a send handler.
struct outgoing_message {
  target to;
  std::string instantiates_canonical;
  std::string message_name;
  std::string profile;
  std::string business_key;      // as it goes into the Task
  std::vector<std::string> additional_inputs;  // Task.input elements as JSON text
  std::string send_deadline;     // ISO 8601 duration; "" = the site's default
  std::vector<task_change> on_delivered;  // applied when the message was delivered
  bool operator==(const outgoing_message&) const = default;
};

// ---- commands -------------------------------------------------------------------------------------------------------------------------

struct start_instance {
  std::string process_instance_id;       // as expressions see it
  std::string business_key;
  node_index start_event = no_node;      // which start event
  std::string message_name;
  std::optional<received_task> task;
  std::vector<std::pair<std::string, value>> variables;
};
struct message_received {
  std::string name;
  std::string correlation_key;           // "" = the Task has none: matches any waiting execution of that name
  bool has_correlation_key = false;
  std::optional<received_task> task;
  local_id subscription = 0;             // when the caller knows which one; else exactly one must match
};
struct signal_received {
  std::string name;
  std::vector<std::pair<std::string, value>> variables;
};
struct timer_due {
  local_id job = 0;
};
// Runs an async continuation (asyncBefore/asyncAfter).
struct continue_job {
  local_id job = 0;
};

// What a handler reported (plugins/handler.hpp converts its outcome to this).
struct handler_completed {
  local_id job = 0;
  std::vector<variable_change> variables;
  std::vector<task_change> tasks;
  std::vector<outgoing_message> messages;  // send activities wait until each was delivered or refused
};
struct handler_bpmn_error {
  local_id job = 0;
  std::string code;
  std::string message;
  std::vector<variable_change> variables;
  std::vector<task_change> tasks;
};
struct handler_failed {
  local_id job = 0;
  std::string error;        // text for people and for the Task's error output
  bool retryable = true;
  bool lost = false;        // a lost worker, a time-out, a bug of ours: back-off and incident, whatever the model says (decision 8)
};
struct handler_ended_instance {
  local_id job = 0;
  std::string reason;
};
// The outbox reports on one message of a send activity.
struct message_delivered {
  local_id message = 0;
};
struct message_refused {
  local_id message = 0;
  std::string error;        // "HTTP 403 Forbidden ..."
  int http_status = 0;      // 0: not reachable until the deadline
};
struct complete_user_task {
  local_id user_task = 0;
  std::vector<std::pair<std::string, value>> variables;
};
struct retry_incident {
  local_id job = 0;
};
struct cancel_instance {
  std::string reason;       // fails the start Task with this text
};

struct command {
  base::timestamp now;
  std::string cause;        // for the event header: "task Task/<id>", "timer", "operator <name>", ...
  std::variant<start_instance, message_received, signal_received, timer_due, continue_job, handler_completed, handler_bpmn_error,
               handler_failed, handler_ended_instance, message_delivered, message_refused, complete_user_task, retry_incident,
               cancel_instance>
      what;
};

// ---- effects: rows and calls the host derives from a step ---------------------------------------------------------------------------------

enum class handler_call : std::uint8_t {
  service_task,
  send_task,
  message_throw,
  message_end,
  execution_listener,
  task_listener,
  expression_delegate
};

// A durable job that calls a handler.
// A refused message of a send activity runs its handler once more under the same job id, with event = "send_error" and three more fields:
// `error` (string), `http_status` (i32; 0: not reachable until the deadline) and `target` (the target of the refused message). That outcome
// decides: completed (variable changes; further messages are sent) -> the token goes on when all messages are settled; bpmn_error -> the
// error boundary event; failed -> as any failed handler, with DSF's "send failed" text; ended -> the instance ends (dsf-bpe 3.4, L17).
struct run_handler {
  local_id job = 0;
  handler_call call = handler_call::service_task;
  std::string class_name;
  node_index activity = no_node;
  local_id execution = 0;
  std::string event;  // listeners: "start", "end", "create", ...; "send_error"
  local_id activity_instance = 0;
  local_id user_task = 0;  // task listeners
  std::string form_key;  // task listeners
  std::vector<std::pair<std::string, value>> fields;  // evaluated field injections
  int attempt = 1;
  base::timestamp due;  // not before (retry back-off); 0 = now
};
// The row of a handler, timer or continuation goes: the job is done, not needed any more, or announced anew right after. `due` as it was last
// announced, for the row's key. (After a command that reports on a job the host will find it here, too: every announced row ends this way.)
struct cancel_job {
  local_id job = 0;
  base::timestamp due;
};
struct schedule_timer {
  local_id job = 0;
  base::timestamp due;
};
struct schedule_continuation {
  local_id job = 0;
  base::timestamp due;
  bool exclusive = true;
};
struct open_subscription {
  local_id subscription = 0;
  bool signal = false;  // else message
  std::string name;
  std::string correlation_key;  // local variable correlationKey of the subscribing execution
  bool has_correlation_key = false;
};
// Fired, or not needed any more. Repeats what was opened, for the row's key. A changed correlation key closes and opens the same id.
struct close_subscription {
  local_id subscription = 0;
  bool signal = false;
  std::string name;
  std::string correlation_key;
  bool has_correlation_key = false;
};
struct cancel_message {
  local_id message = 0;
};  // its send activity was cancelled: drop the outbox row if it was not sent yet
struct send_message {
  local_id message = 0;
  outgoing_message content;
};
struct throw_signal {
  std::string name;
};  // to other instances; the own instance's subscriptions were served already
struct finish_task {  // put the Task's final version
  fhir_reference task;
  std::string status;  // completed | failed
  std::string error;  // error output text, "" = none
  std::vector<task_change> pending;  // outputs and statusReason to merge
};
struct update_task {  // outputs written while the Task stays in-progress
  fhir_reference task;
  std::vector<task_change> pending;
};
struct raise_incident {
  local_id job = 0;
  node_index activity = no_node;
  std::string error;
};
struct resolve_incident {
  local_id job = 0;
};
struct instance_ended {
  bool failed = false;
  std::string reason;
};

using effect =
    std::variant<run_handler, cancel_job, schedule_timer, schedule_continuation, open_subscription, close_subscription, send_message,
                 throw_signal, finish_task, update_task, raise_incident, resolve_incident, instance_ended, cancel_message>;

// Effects of consecutive steps that go into one commit: drops pairs that cancel out (job created and cancelled, subscription opened and
// closed, message queued and cancelled, incident raised and resolved). What remains keeps its order.
void merge_effects(std::vector<effect>& effects);

}  // namespace dsf::bpmn
