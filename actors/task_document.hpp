// The FHIR Task as the engine reads and writes it (dsf-bpe 1.2, 1.3, 1.8-1.10). Pure functions over JSON.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "bpmn/execution/command.hpp"

namespace dsf::actors {

// The identifier by which a receiver recognises a Task that was sent again (docs/design.md, decision 20). Never DSF's task-identifier system.
inline constexpr std::string_view outbox_identifier_system = "https://dsfd.invalid/sid/outbox-entry";

struct process_name {
  std::string key;  // dsfdev_ping
  std::string version;  // 1.0
  std::string url;  // http://dsf.dev/bpe/Process/ping
};
// http(s)://<domain>/bpe/Process/<name>|<major>.<minor> (dsf-bpe 1.2).
std::optional<process_name> parse_canonical(std::string_view canonical);

// What decides where a Task goes.
struct task_facts {
  std::string status;
  std::string canonical;
  std::optional<process_name> process;
  std::string message_name;
  std::string business_key;
  std::string correlation_key;
  bool has_correlation_key = false;
  std::string requester;  // identifier value
};
task_facts facts_of(const base::json& task);

// The first valueString input with this coding of DSF's bpmn-message system; null if there is none.
const std::string* message_input(const base::json& task, std::string_view code);

// status in-progress, and the business key appended if the Task has none (dsf-bpe 1.8).
base::json to_in_progress(base::json task, std::string_view business_key);
// Outputs and statusReason of the changes that name this Task.
base::json with_changes(base::json task, std::span<const bpmn::task_change> changes);
// The final version; `error` becomes an error output when not empty. A change that set status failed wins over completed.
base::json to_final(base::json task, std::string_view status, std::string_view error, std::span<const bpmn::task_change> changes);

// The Task that goes to another site, in the order the reference builds it (dsf-bpe 1.10), with our outbox identifier.
base::result<base::json> outgoing_task(const bpmn::outgoing_message& message, std::string_view local_organization, base::timestamp now,
                                       std::string_view outbox_id);

}  // namespace dsf::actors
