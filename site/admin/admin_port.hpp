// What an operator may ask of a running site, as plain structs (proto/admin.proto carries the same fields). The running site implements
// admin_port; admin_server puts it on a Unix socket; admin_client is the other end and offers the same calls.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace dsf::site {

struct site_status {
  std::string name;
  std::string organization;
  std::string version;
  std::vector<std::string> roles;
  bool ready = false;  // the engine receives
  std::string not_ready_because;
  bool read_only = false;
  std::string read_only_because;
  base::timestamp started;
  std::uint64_t pid = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t running_instances = 0;  // not ended, in the store
  std::uint64_t live_instances = 0;     // of them in memory
  std::uint64_t incidents = 0;
  std::uint64_t outbox = 0;
  std::uint64_t store_sequence = 0;
  std::uint16_t fhir_port = 0;          // as bound, also when the setting is 0; 0: not listening
  std::uint16_t status_port = 0;
  std::uint16_t repository_port = 0;
  bool operator==(const site_status&) const = default;
};

struct instance_filter {
  std::string process;  // key, or key|version; empty: all
  std::string business_key;
  std::string state;  // running, completed, failed, incident; empty: all
  std::string after;  // `next` of the page before
  std::uint32_t limit = 100;
  bool operator==(const instance_filter&) const = default;
};

struct instance_summary {
  std::string id;
  std::string process;  // key|version
  std::string business_key;
  std::string state;
  base::timestamp started;
  base::timestamp ended;
  std::vector<std::string> activities;  // where its tokens are
  std::uint32_t incidents = 0;
  std::string reason;  // of a failed instance
  bool operator==(const instance_summary&) const = default;
};

struct instance_page {
  std::vector<instance_summary> instances;
  std::string next;  // empty: the last page
  bool operator==(const instance_page&) const = default;
};

struct wait_point_line {
  std::string kind;  // as bpmn::wait_point
  std::string activity;
  std::string detail;
  base::timestamp since;
  base::timestamp due;
  std::string id;  // user tasks and incidents: what complete_user_task() and retry_incident() take
  bool operator==(const wait_point_line&) const = default;
};

struct variable_line {
  std::string name;
  std::string type;
  std::string text;   // shortened
  std::string scope;  // activity of the scope; empty: the process
  bool operator==(const variable_line&) const = default;
};

struct task_output {
  std::string system;
  std::string code;
  std::string text;  // a string as it is, anything else as JSON
  bool operator==(const task_output&) const = default;
};

struct task_line {
  std::string reference;  // Task/<id>
  std::string part;       // start, received, sent
  std::string status;
  std::string message;
  std::string partner;
  std::vector<task_output> outputs = {};  // of the start Task
  bool operator==(const task_line&) const = default;
};

struct instance_detail {
  instance_summary summary;
  std::vector<wait_point_line> waits;
  std::vector<variable_line> variables;
  std::vector<task_line> tasks;
  std::uint64_t events = 0;
  bool operator==(const instance_detail&) const = default;
};

struct incident_filter {
  std::string process;
  std::string after;
  std::uint32_t limit = 100;
  bool operator==(const incident_filter&) const = default;
};

struct incident_line {
  std::string id;
  std::string instance;
  std::string process;
  std::string business_key;
  std::string activity;
  std::string error;
  base::timestamp since;
  std::uint32_t attempts = 0;
  bool operator==(const incident_line&) const = default;
};

struct incident_page {
  std::vector<incident_line> incidents;
  std::string next;
  bool operator==(const incident_page&) const = default;
};

// What an instance waits for, from whom, since when, and what to do.
struct why_answer {
  std::string instance;
  std::string process;
  std::string state;
  std::string sentence;
  std::vector<wait_point_line> waits;
  base::timestamp next_timer;
  std::string last_delivery_error;
  std::string advice;
  bool operator==(const why_answer&) const = default;
};

struct partner_status {
  std::string organization;
  std::string endpoint_url;
  std::uint64_t queued = 0;
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  std::uint64_t retries = 0;
  base::timestamp last_success;
  base::timestamp last_failure;
  std::string last_error;
  base::timestamp next_attempt;    // while backing off
  std::vector<std::string> roles;  // parent organisation: role
  bool active = false;             // on the allow-list
  bool operator==(const partner_status&) const = default;
};

struct task_input {
  std::string system;
  std::string code;
  std::string type;  // string, reference, boolean, integer, code, uri, ...: FHIR's value[x]
  std::string value;
  bool operator==(const task_input&) const = default;
};

struct start_request {
  std::string process;       // canonical URL|version, or key|version
  std::string message;       // empty: the only start message
  std::string draft;         // identifier of a draft Task to start instead
  std::string business_key;  // empty: a new one
  std::vector<task_input> inputs;
  bool operator==(const start_request&) const = default;
};

struct started_task {
  std::string task;  // Task/<id>
  std::string business_key;
  bool operator==(const started_task&) const = default;
};

struct user_task_completion {
  std::string id;
  std::vector<std::pair<std::string, std::string>> variables;
  bool operator==(const user_task_completion&) const = default;
};

struct import_progress {
  std::uint64_t files_total = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t resources = 0;
  std::uint64_t patients = 0;
  std::string current;  // file
  bool finished = false;
  bool operator==(const import_progress&) const = default;
};

struct actor_status {
  std::string name;
  std::string parent;
  std::int64_t mailbox = 0;
  std::uint64_t handled = 0;
  std::uint64_t restarts = 0;
  bool operator==(const actor_status&) const = default;
};

// A session of a program that runs handlers (docs/workers.md).
struct worker_status {
  std::string session;
  std::string worker;
  std::string plugin;
  std::string address;
  std::vector<std::string> handlers;  // key|version|class; an empty version stands for all
  std::uint32_t credits = 0;
  std::uint32_t running = 0;
  std::uint64_t done = 0;
  std::uint64_t lost = 0;  // leases it let expire
  bool draining = false;
  base::timestamp connected;
  base::timestamp last_heard;
  bool operator==(const worker_status&) const = default;
};

struct worker_list {
  std::vector<worker_status> workers;
  std::uint64_t waiting = 0;  // activations that wait for a worker
  bool operator==(const worker_list&) const = default;
};

struct deploy_result {
  std::string plugin;
  std::string version;
  std::vector<std::string> processes;  // key|version
  std::uint64_t resources = 0;
  std::vector<std::string> warnings;
  bool operator==(const deploy_result&) const = default;
};

struct process_state_line {
  std::string process;  // key|version
  std::string state;    // active, draft, retired, excluded
  std::string because;  // empty: nothing special
  bool operator==(const process_state_line&) const = default;
};

struct plugin_line {
  std::string name;
  std::string version;
  std::string source;
  bool by_operator = false;  // deployed while running; else of the settings
  std::vector<process_state_line> processes;
  std::vector<std::string> reasons;  // why it is in quarantine; empty: it is not
  std::vector<std::string> warnings;
  base::timestamp since;
  bool operator==(const plugin_line&) const = default;
};

struct plugin_list {
  std::vector<plugin_line> plugins;
  std::vector<process_state_line> without;  // processes that no plugin of this site has any more
  bool operator==(const plugin_list&) const = default;
};

struct retention_line {
  std::string what;
  std::string age;
  std::uint64_t removed = 0;
  bool operator==(const retention_line&) const = default;
};

struct retention_overview {
  std::vector<retention_line> rules;  // removed: since the program started
  std::uint64_t sweeps = 0;
  std::uint64_t failed = 0;
  base::timestamp last;
  std::int64_t last_took_us = 0;
  base::timestamp next;
  std::string last_error;
  bool operator==(const retention_overview&) const = default;
};

struct retention_result {
  std::vector<retention_line> rules;  // removed: by this sweep, or what it would be
  std::uint64_t looked_at = 0;
  std::int64_t took_us = 0;
  bool dry_run = false;
  bool operator==(const retention_result&) const = default;
};

struct store_copy_progress {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t keys = 0;  // data keys written, or left out
  std::uint64_t sequence = 0;
  bool finished = false;
  bool operator==(const store_copy_progress&) const = default;
};

// What a store made of a backup has to go on with (site/running/restored.hpp).
struct restored_line {
  std::string kind;  // message, task, signal, handler, timer
  std::string instance;
  std::string process;
  std::string business_key;
  std::string what;
  std::string partner;
  base::timestamp since;
  std::string there;  // messages: "yes", "no", "unknown: why"
  bool operator==(const restored_line&) const = default;
};

struct restored_overview {
  std::string backup_taken;  // ISO 8601; empty: nothing is held
  std::vector<restored_line> lines;
  std::uint64_t messages = 0;
  std::uint64_t tasks = 0;
  std::uint64_t handlers = 0;
  std::uint64_t timers = 0;
  bool operator==(const restored_overview&) const = default;
};

struct site_event_line {
  std::string
      kind;  // watching (the first), then as actors::to_string(site_event_kind); "lost": the watcher was too slow, text is how many events it missed
  base::timestamp time;
  std::string process;
  std::string instance;
  std::string business_key;
  std::string activity;
  std::string partner;
  std::string text;
  bool operator==(const site_event_line&) const = default;
};

// The calls. They block, may come from several threads at once, and never throw.
class admin_calls {
public:
  virtual ~admin_calls() = default;
  virtual base::result<site_status> status() = 0;
  virtual base::result<instance_page> list_instances(const instance_filter& filter) = 0;
  virtual base::result<instance_detail> show_instance(const std::string& id_or_business_key) = 0;
  virtual base::result<incident_page> list_incidents(const incident_filter& filter) = 0;
  virtual base::result<> retry_incident(const std::string& id) = 0;
  virtual base::result<> cancel_incident(const std::string& id) = 0;
  virtual base::result<> cancel_instance(const std::string& id, const std::string& reason) = 0;
  // One answer an instance with this business key (or of this id). None: not_found.
  virtual base::result<std::vector<why_answer>> why(const std::string& business_key) = 0;
  virtual base::result<std::vector<partner_status>> partners() = 0;
  virtual base::result<started_task> start_task(const start_request& request) = 0;
  virtual base::result<> complete_user_task(const user_task_completion& completion) = 0;
  // `progress` is called now and then, and at last with `finished`; when it returns false the import stops where it can be resumed.
  virtual base::result<> import(const std::string& path, const std::function<bool(const import_progress&)>& progress) = 0;
  // Before noise.
  virtual base::result<std::uint64_t> cohort_count(const std::string& ccdl) = 0;
  virtual base::result<std::vector<actor_status>> actors(std::uint32_t limit) = 0;
  virtual base::result<worker_list> workers() = 0;
  // A folder or zip on the site's machine. Survives a restart.
  virtual base::result<deploy_result> deploy_plugin(const std::string& path) = 0;
  virtual base::result<plugin_list> plugins() = 0;
  // Of a plugin that was deployed while running, whose processes are retired or excluded and have no running instance; errors say what is in the way.
  virtual base::result<deploy_result> remove_plugin(const std::string& name, const std::string& version) = 0;
  // `state`: retired, excluded or active. Survives a restart; an error where the settings list the process otherwise.
  virtual base::result<process_state_line> set_process_state(const std::string& process, const std::string& state) = 0;
  virtual base::result<> hold_handler(const std::string& class_name, bool hold) = 0;
  virtual base::result<retention_overview> retention() = 0;
  // Returns when the sweep is done. `dry_run`: only counts.
  virtual base::result<retention_result> run_retention(bool dry_run) = 0;
  // Paths on the site's machine. `progress` is called now and then, and at last with `finished`; when it returns false nothing is left behind.
  virtual base::result<> back_up(const std::string& destination, const std::string& keys,
                                 const std::function<bool(const store_copy_progress&)>& progress) = 0;
  virtual base::result<store_copy_progress> write_data_keys(const std::string& file) = 0;
  virtual base::result<restored_overview> restored() = 0;
  // The site goes on. An error if nothing is held.
  virtual base::result<> release_restored() = 0;
  // `what`: the id of an instance that has ended, or Type/id. Refused unless `for_ever`. Returns when the key is in no file any more.
  virtual base::result<> erase_data(const std::string& what, bool for_ever) = 0;
  // Begins an orderly stop and returns.
  virtual base::result<> shutdown(const std::string& reason) = 0;
};

// What the running site offers to the admin server.
class admin_port : public admin_calls {
public:
  // The listener is called on any thread and must be quick. After unsubscribe() returns it is not called any more.
  virtual std::uint64_t subscribe(std::function<void(const site_event_line&)> listener) = 0;
  virtual void unsubscribe(std::uint64_t token) = 0;
};

// Errors of the connection, and errors of the site as they arrive at the client.
enum class admin_errc : std::uint16_t {
  invalid,
  not_found,
  forbidden,
  conflict,
  too_large,
  overloaded,
  unavailable,
  timeout,
  corrupt,
  unsupported,
  internal,
  no_server,  // nobody listens at the socket
  socket_in_use,  // another program does
  cancelled,  // the caller went away
};
const base::error_domain& domain_of(admin_errc) noexcept;

}  // namespace dsf::site
