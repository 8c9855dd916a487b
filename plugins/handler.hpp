// The one interface between the engine and the code behind a service task, message event or listener (docs/design.md, "Handlers").
// Plain structs; proto/worker.proto carries the same fields (plugins/worker_codec.hpp converts).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "bpmn/execution/command.hpp"
#include "bpmn/value.hpp"

namespace dsf::plugins {

// How a handler may be run.
enum class handler_trait : std::uint8_t {
  quick,     // below 1 ms, no I/O: runs on the engine's thread inside the segment, in the same commit
  blocking,  // runs on the handler threads as a durable job
};

// A FHIR Task as the instance sees it: the stored version with the instance's own pending changes merged.
struct task_document {
  std::string id;
  std::uint64_t version = 0;
  std::shared_ptr<const base::json> content;
};

// What a handler gets. `variables` is a read view of the scope chain, nearest scope first; of equal names the first one counts.
struct activation {
  bpmn::handler_call call = bpmn::handler_call::service_task;
  std::string event;                     // listeners: start, end, create, ...; send activities: "" or "send_error"
  std::string class_name;                // camunda:class
  std::string process_key;
  std::string version_tag;
  std::string instance_id;               // UUID text
  std::string business_key;
  std::string activity_id;
  std::string activity_instance_id;
  std::vector<std::pair<std::string, bpmn::value>> fields;
  std::vector<std::pair<std::string, bpmn::value>> variables;
  std::optional<task_document> start_task;
  std::optional<task_document> latest_task;   // dsf-bpe 4.2 getLatestTask
  std::vector<task_document> current_tasks;
  int attempt = 1;
  base::timestamp deadline;              // after it the attempt counts as lost
  std::string idempotency_key;           // equal over all attempts of one job
  std::shared_ptr<const std::atomic<bool>> cancelled;  // set when a boundary event interrupted the activity; may be null

  [[nodiscard]] const bpmn::value* variable(std::string_view name) const;
  // The text of a string field or variable, or "".
  [[nodiscard]] std::string field_text(std::string_view name) const;
  [[nodiscard]] std::string variable_text(std::string_view name) const;
};

struct completed {
  std::vector<bpmn::variable_change> variables;
  std::vector<bpmn::task_change> tasks;
  std::vector<bpmn::outgoing_message> messages;
};
struct bpmn_error {
  std::string code;
  std::string message;
  std::vector<bpmn::variable_change> variables;
  std::vector<bpmn::task_change> tasks;
};
struct failed {
  std::string error;
  bool retryable = true;
  bool lost = false;  // it is not known what came of the attempt: tried again with back-off, then an incident (decision 8)
};
struct end_instance {
  std::string reason;
};
using outcome = std::variant<completed, bpmn_error, failed, end_instance>;

// ---- services --------------------------------------------------------------------------------------------------------------------------

// An organisation of the allow-list together with its endpoint.
struct member {
  std::string organization_identifier;
  std::string organization_name;
  std::string endpoint_identifier;
  std::string endpoint_url;
  bool local = false;
};

// A FHIR endpoint, the own one or another site's. Answers are FHIR JSON. Calls block; errors carry the HTTP status in their text.
class fhir_client {
public:
  virtual ~fhir_client() = default;
  virtual base::result<base::json> read(std::string_view type, std::string_view id, std::uint64_t version = 0) = 0;
  // "Measure?_id=...&_include=Measure:depends-on", or what follows the base address in the link to a next page; strict handling.
  virtual base::result<base::json> search(std::string_view query) = 0;
  // Creates once: the same key gives the same resource, also after a crash. Returns the stored resource with its id.
  virtual base::result<base::json> create(const base::json& resource, std::string_view idempotency_key) = 0;
  virtual base::result<base::json> transaction(const base::json& bundle) = 0;
};

class services {
public:
  virtual ~services() = default;
  virtual member local() const = 0;
  // All active organisations of the allow-list with an active endpoint, the own one included.
  virtual base::result<std::vector<member>> members() = 0;
  // Members with this role under this parent organisation (active OrganizationAffiliations).
  virtual base::result<std::vector<member>> members(std::string_view parent_organization, std::string_view role_code) = 0;
  // The parent organisations in which `organization_identifier` has `role_code` ("" = any role).
  virtual base::result<std::vector<std::string>> parents_of(std::string_view organization_identifier, std::string_view role_code) = 0;

  virtual fhir_client& local_endpoint() = 0;
  virtual std::shared_ptr<fhir_client> endpoint(std::string_view base_url) = 0;
  // A clinical FHIR server that the site's configuration names (feasibility.stores), with the credentials and certificates set for it.
  virtual base::result<std::shared_ptr<fhir_client>> store(std::string_view name);

  // The site's own clinical repository: patients matching a CCDL query.
  virtual base::result<std::uint64_t> cohort_count(const base::json& ccdl) = 0;

  // Process settings (environment of the site), "" when not set.
  virtual std::string setting(std::string_view name) const = 0;
  // The site's configuration of this process as a document, e.g. feasibility's networks and stores.
  virtual base::json process_configuration(std::string_view process_key) const = 0;
  // A small durable value of the process (a cache, a counter): reads, lets `change` make the next value and stores it before returning. Serialised per name.
  virtual base::result<std::string> update_state(std::string_view name, const std::function<std::string(const std::string&)>& change) = 0;

  virtual base::timestamp now() const = 0;
  virtual double uniform() = 0;  // [0, 1)
  virtual std::string new_uuid() = 0;
  virtual const base::logger& log() const = 0;
  virtual base::log_context log_context() const = 0;
};

using handler = std::function<outcome(const activation&, services&)>;

// ---- handlers in other programs ----------------------------------------------------------------------------------------------------------

enum class cancel_reason : std::uint8_t {
  interrupted,  // a boundary event or an operator: the outcome is awaited, as of a handler in this program, and not used
  deadline,  // the engine has given the attempt up and makes another one
  stopping,  // the engine stops; the job is still open and runs again after the next start
};

// How a handler that runs in another program tells of itself. Called from any thread, never with a lock of the engine's held.
class remote_attempt {
public:
  virtual ~remote_attempt() = default;
  // The activation is sent now, so its time begins: the deadline. Calls nothing back; the same answer when called again.
  virtual base::timestamp begins() = 0;
  // Once, but not after cancel(deadline) or cancel(stopping); also from inside remote_handler.
  virtual void ended(outcome result) = 0;
};

class remote_call {
public:
  virtual ~remote_call() = default;
  virtual void cancel(cancel_reason why) = 0;
};

// Begins, and returns at once: no thread waits for the outcome.
using remote_handler = std::function<std::shared_ptr<remote_call>(activation, std::shared_ptr<remote_attempt>)>;

// Whose question it is (docs/design.md, decision 6).
struct question_origin {
  std::string process_key;
  std::string version_tag;
  std::string instance_id;
};
using answers_callback = std::function<void(base::result<std::vector<bpmn::el::answer>>)>;
// Asks a worker that has the instance's objects. `done` is called once, from any thread, also from inside.
using question_asker = std::function<void(question_origin, std::vector<bpmn::el::question>, answers_callback done)>;

// Handlers by (process key, version tag, class name); an empty version tag stands for all versions.
class handler_registry {
public:
  struct entry {
    handler_trait trait = handler_trait::blocking;
    handler run;
    remote_handler start;  // set: in place of `run`
  };
  void add(std::string process_key, std::string version_tag, std::string class_name, handler_trait trait, handler run);
  // All handlers of this process run elsewhere, those of this program too.
  void add_process(std::string process_key, remote_handler start);
  // The process as a whole, then the exact version, then the entry for all versions; null when there is none.
  [[nodiscard]] const entry* find(std::string_view process_key, std::string_view version_tag, std::string_view class_name) const;

private:
  std::vector<std::pair<std::string, entry>> entries_;  // sorted by the joined key
  std::map<std::string, entry, std::less<>> processes_;
};

}  // namespace dsf::plugins
