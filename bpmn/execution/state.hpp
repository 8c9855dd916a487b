// All that a process instance knows: the execution tree as Operaton has it, and what it waits for. A plain value, stored as a snapshot and
// rebuilt from the events; only `apply` (advance.hpp) changes it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "bpmn/execution/command.hpp"
#include "bpmn/execution/table.hpp"
#include "bpmn/model.hpp"
#include "bpmn/value.hpp"

namespace dsf::bpmn {

// A value that copies of the state and its events share. Never null inside; compares by content.
class shared_value {
public:
  shared_value() : content_(std::make_shared<const value>()) {}
  shared_value(value v) : content_(std::make_shared<const value>(std::move(v))) {}
  [[nodiscard]] const value& get() const { return *content_; }
  const value* operator->() const { return content_.get(); }
  bool operator==(const shared_value& o) const { return content_ == o.content_ || *content_ == *o.content_; }

private:
  std::shared_ptr<const value> content_;
};

struct variable {
  std::string name;
  shared_value content;
  bool operator==(const variable&) const = default;
};
using variable_list = std::vector<variable>;  // in order of creation, names unique

// Where an execution stands inside its activity. Stored; append only.
enum class phase : std::uint8_t {
  idle,       // no activity of its own: its children run
  take,       // take listeners of `flow`; `index` = the listener whose job runs
  before,     // asyncBefore: the continuation job waits
  start,      // start listeners; `index` as above
  behaviour,  // the activity itself runs or waits
  end,        // end listeners; `index` as above
  after,      // asyncAfter: the continuation job waits
  join,       // arrived at a parallel gateway that lacks tokens
  create,     // task listeners of a user task: create
  complete,   // task listeners of a user task: complete
};

// Counters of a multi-instance body (engine 1c.11).
struct loop_state {
  std::uint32_t total = 0;
  std::uint32_t created = 0;
  std::uint32_t active = 0;
  std::uint32_t completed = 0;
  bool operator==(const loop_state&) const = default;
};

// dsf-bpe 2.9: scope executions own variables and subscriptions; concurrent executions are branches below a scope.
struct execution {
  local_id id = 0;
  local_id parent = 0;                 // 0: the process instance itself
  bool scope = false;
  bool concurrent = false;
  bool body = false;                   // multi-instance body ("id#multiInstanceBody")
  phase at = phase::idle;
  std::uint32_t index = 0;             // listener in work
  node_index scope_node = no_node;     // scope executions: the activity they belong to; no_node for the process
  node_index node = no_node;           // the current activity; for a parent of a scope execution: that activity
  flow_index flow = no_flow;           // phase take: the flow
  local_id activity_instance = 0;      // of the current activity
  local_id scope_instance = 0;         // process, sub-process, multi-instance body: the activity instance of the scope itself
  std::optional<loop_state> loop;      // bodies
  std::vector<local_id> children;      // in order of creation
  std::vector<local_id> waits;         // its jobs, subscriptions, open messages and user tasks, ascending
  variable_list variables;             // local variables
  [[nodiscard]] bool active() const { return at != phase::idle && at != phase::join; }
  bool operator==(const execution&) const = default;
};

enum class job_kind : std::uint8_t { handler, timer, continuation };
enum class job_status : std::uint8_t {
  ready,       // to be run at `due`
  delivering,  // handler of a send activity: reported, its messages are on their way
  incident,    // waits for retry_incident
};

struct job {
  local_id id = 0;
  job_kind kind = job_kind::handler;
  job_status status = job_status::ready;
  local_id execution = 0;
  node_index node = no_node;           // the activity; timers: the catching event; take listeners: the flow's source
  // handler jobs
  handler_call call = handler_call::service_task;
  listener_event listener = listener_event::start;  // calls of listeners
  std::uint32_t listener_index = 0;
  flow_index flow = no_flow;           // take listeners
  bool detached = false;               // a listener of an activity that was cancelled: nothing waits for it
  local_id reacts_to = 0;              // the refused message this job's send handler reacts to ("send_error"); 0: none
  std::uint32_t attempt = 1;
  std::int32_t retries_left = -1;      // -1: no failure yet
  base::timestamp due;                 // 0: at once
  base::timestamp since;               // when it was created
  bool exclusive = true;               // continuations
  // cycle timers (engine 1c.10)
  std::int32_t repeats_left = 0;       // -1: for ever
  std::string period;                  // ISO 8601 duration
  std::string error;                   // of the last failed attempt
  bool operator==(const job&) const = default;
};

enum class subscription_kind : std::uint8_t { message, signal, conditional };

struct subscription {
  local_id id = 0;
  subscription_kind kind = subscription_kind::message;
  local_id execution = 0;
  node_index node = no_node;           // the catching event or receive task
  std::string name;                    // message or signal
  std::string correlation_key;         // the execution's local variable correlationKey
  bool has_correlation_key = false;
  base::timestamp since;
  bool operator==(const subscription&) const = default;
};

// A message of a send activity that is not delivered yet (docs/design.md, decision 20).
struct open_message {
  local_id id = 0;
  local_id job = 0;
  bool refused = false;                // waits until its send handler has reacted
  std::string error;
  std::int32_t http_status = 0;
  std::shared_ptr<const outgoing_message> content;  // never null
  base::timestamp since;
  bool operator==(const open_message& o) const {
    return id == o.id && job == o.job && refused == o.refused && error == o.error && http_status == o.http_status && since == o.since &&
           (content == o.content || *content == *o.content);
  }
};

struct user_task {
  local_id id = 0;
  local_id execution = 0;
  node_index node = no_node;
  std::string form_key;
  base::timestamp since;
  bool operator==(const user_task&) const = default;
};

struct incident {
  local_id id = 0;                     // = the job
  local_id execution = 0;
  node_index node = no_node;
  std::string error;
  base::timestamp since;
  bool operator==(const incident&) const = default;
};

// A received Task with what handlers changed and no Task version shows yet.
struct task_record {
  received_task task;
  std::vector<task_change> pending;
  bool operator==(const task_record&) const = default;
};
// The Tasks received inside one parent activity instance (dsf-bpe 1.9), oldest first.
struct task_list {
  local_id id = 0;                     // the parent activity instance
  std::vector<task_record> tasks;
  bool operator==(const task_list&) const = default;
};

enum class instance_status : std::uint8_t { fresh, running, completed, failed };

struct instance_state {
  instance_status status = instance_status::fresh;
  std::uint64_t events = 0;            // how many were applied
  local_id next_id = 1;
  std::string definition_sha256;
  std::string process_instance_id;     // as people and expressions see it
  std::string business_key;
  node_index start_event = no_node;
  std::string message_name;
  base::timestamp started;
  base::timestamp ended;
  std::string end_reason;              // failed instances
  table<execution> executions;         // 1 is the process instance
  table<job> jobs;
  table<subscription> subscriptions;
  table<open_message> messages;
  table<user_task> user_tasks;
  table<incident> incidents;           // by job
  std::optional<task_record> start_task;
  table<task_list> received_tasks;
  bool operator==(const instance_state&) const = default;
};

constexpr local_id root_execution = 1;

// Lists in lists in maps ...: what handlers and partners may nest. Snapshots and the store rely on it.
constexpr std::size_t value_depth_limit = 32;
bool nests_too_deep(const value& v);

// The value of an execution's own variable, or null.
const shared_value* local_variable(const execution& e, std::string_view name);
// The parent activity instance of what `execution` runs (dsf-bpe 2.9): key of received_tasks.
local_id parent_activity_instance(const definition& d, const instance_state& state, local_id execution);
// Start Task (only when the execution is the process instance itself) and those received in its parent activity instance, oldest first
// (dsf-bpe 4.2).
std::vector<const task_record*> current_tasks(const definition& d, const instance_state& state, local_id execution);
// All Tasks of the instance, start Task first.
std::vector<const task_record*> all_tasks(const instance_state& state);

}  // namespace dsf::bpmn
