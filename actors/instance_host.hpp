// One process instance without its actor: commands in, one commit out, state adopted when the commit is durable (docs/design.md, "Life of a Task" 5).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine_context.hpp"
#include "actors/inbox.hpp"
#include "bpmn/execution/advance.hpp"
#include "storage/commit.hpp"
#include "storage/instances/large_values.hpp"
#include "storage/sealing.hpp"

namespace dsf::actors {

// A Task as it was read, for the one who writes it next. Emptied by the first who takes it; then it is read again.
struct read_task {
  std::optional<base::json> content;
  std::uint64_t version = 0;
};

struct incoming {
  bpmn::command what;
  std::string task_id;  // the Task that carries the message: put in progress with it
  std::shared_ptr<read_task> task;  // of that id; may be null
  std::vector<std::pair<storage::table, std::string>> consumes;  // rows that must exist and go with the command
  // ok: durable. not_waiting: the instance does not wait for it; nothing was changed. Any other error: nothing was changed, may be tried again.
  std::function<void(base::result<>)> done;
  // Who sent it sends it again when the answer is a conflict. Any other command is tried until it succeeds or changes nothing.
  bool sent_again = false;
  std::uint32_t conflicts = 0;  // it has met
};

// What to do once the commit is durable.
struct after_commit {
  std::vector<bpmn::run_handler> handlers;  // due now
  std::vector<bpmn::local_id> continuations;  // due now
  std::vector<base::timestamp> wake_ups;  // timers and retries that lie ahead
  std::vector<bpmn::local_id> cancelled_jobs;
  std::vector<outbox_entry> messages;
  std::vector<site_event> events;
  bool ended = false;
};

struct planned_step {
  storage::commit commit;
  bpmn::instance_state state;
  std::uint64_t rows = 0;  // event rows of the instance after the commit
  std::size_t unsnapped_bytes = 0;
  std::vector<std::string> stored_values;  // names of the large values whose rows the commit puts
  bool puts_key = false;  // and the instance's data key
  after_commit after;
  std::vector<incoming> taken;  // their done() is called with the commit's outcome
  std::vector<std::pair<incoming, base::error>> refused;  // their done() is called at once
  std::vector<bpmn::el::question> questions;  // not empty: all else is void; ask, and plan again with the answers
};

class instance_host {
public:
  instance_host(const engine_context& context, std::uint64_t id) : context_(&context), id_(id) {}

  // Snapshot and the events after it. Errors: damaged rows, a definition that is not here any more. `before_end`: of an instance that ended, the
  // state just before, with its variables and Tasks; for looking at it.
  base::result<> load(bool before_end = false);
  // When load() says storage::errc::erased: all but the values that went with the data key. Good for one thing only, to end the instance.
  base::result<> load_without_data();
  // A new instance; its first command must be start_instance.
  void create(std::shared_ptr<const deployed_process> process) { process_ = std::move(process); }

  // Advances a copy of the state by all commands. Nothing to commit: `commit.operations` is empty. The error is one of the engine's own.
  // `answers` to what an earlier plan of the same commands asked.
  base::result<planned_step> plan(std::vector<incoming> commands, std::span<const bpmn::el::answer> answers = {});
  // The commit of the plan is durable.
  void adopt(planned_step& step);
  // What a loaded instance has to go on with: handlers, continuations and timers that are open.
  base::result<after_commit> resume() const;

  base::result<plugins::activation> activation_of(const bpmn::run_handler& call) const { return activation_of(state_, call); }
  [[nodiscard]] const bpmn::instance_state& state() const { return state_; }
  [[nodiscard]] const bpmn::definition& definition() const { return *process_->definition; }
  [[nodiscard]] bool without_data() const { return without_data_; }
  [[nodiscard]] bool running() const { return state_.status == bpmn::instance_status::running; }
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] std::string external_id() const { return context_->store->external_id(id_); }
  [[nodiscard]] std::string process_name() const { return process_->definition->key + "|" + process_->definition->version_tag; }
  [[nodiscard]] base::log_context log_context() const;
  // Handlers of one instance run one after the other, but for those of activities that are declared exclusive="false" (dsf-bpe 2.7).
  [[nodiscard]] bool may_run_beside(const bpmn::run_handler& call) const;

private:
  struct working;
  base::result<> load(bool before_end, bool without_data);
  base::result<> take(working& w, incoming in);
  base::result<> apply_step(working& w, bpmn::step step, const bpmn::command& cause);
  base::result<> run_quick_handlers(working& w, std::vector<bpmn::effect> effects, base::timestamp now);
  base::result<> write_events(working& w);
  base::result<> write_effects(working& w);
  base::result<plugins::activation> activation_of(const bpmn::instance_state& state, const bpmn::run_handler& call) const;
  // Of this instance; made when it is first needed.
  base::result<storage::data_key> data_key();
  // The commit holds something under the key: it must be stored then.
  base::result<> keep_key(planned_step& out);

  const engine_context* context_;
  std::uint64_t id_;
  std::shared_ptr<const deployed_process> process_;
  bpmn::instance_state state_;
  std::uint64_t rows_ = 0;
  std::size_t unsnapped_bytes_ = 0;  // of the events since the snapshot, with the large values they refer to
  std::size_t snapshot_bytes_ = 0;  // of the last snapshot that was too long to be worth it, likewise
  storage::stored_values stored_;  // large values that need not be put again
  std::optional<storage::data_key> key_;
  bool key_stored_ = false;
  bool without_data_ = false;
};

// How a handler's outcome goes on as a command.
bpmn::command to_command(bpmn::local_id job, plugins::outcome outcome, base::timestamp now);

}  // namespace dsf::actors
