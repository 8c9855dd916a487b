#include "actors/instance_host.hpp"

#include <algorithm>
#include <unordered_set>

#include "actors/link/rows.hpp"
#include "actors/task_document.hpp"
#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "bpmn/errc.hpp"
#include "storage/instances/instance_codec.hpp"

namespace dsf::actors {
namespace {

using base::timestamp;

std::string job_tail(bpmn::local_id job) {
  std::string tail;
  base::put_u32(tail, job);
  return tail;
}

std::string subscription_key(std::uint64_t instance, bpmn::local_id id, bool signal, const std::string& name, bool has_key,
                             const std::string& key) {
  const std::vector<std::string> keys = has_key ? std::vector<std::string>{key} : std::vector<std::string>{};
  return storage::keys::subscription(storage::partition_of(instance), signal ? 's' : 'm', name, keys, instance, job_tail(id));
}

const std::string row_mark(1, '\1');

}  // namespace

// A plan in the making.
struct instance_host::working {
  planned_step out;
  std::span<const bpmn::el::answer> answers;
  std::shared_ptr<const storage::store_view> view;
  std::vector<bpmn::effect> effects;
  std::vector<std::string> batches;
  storage::large_values aside;  // of the batches

  struct task {
    base::json content;
    base::uuid id;
    std::uint64_t version = 0;  // as it will be after the writes so far
  };
  std::map<std::string, task> tasks;

  // One that nobody can read any more (deleted, erased) keeps no instance from ending.
  base::result<bool> is_gone(const std::string& id) const {
    if (tasks.contains(id)) return false;
    const auto stored = TRY(view->current("Task", TRY(base::uuid::parse(id))));
    return !stored || stored->deleted;
  }
  base::result<task*> open(const std::string& id, read_task* read = nullptr) {
    if (const auto at = tasks.find(id); at != tasks.end()) return &at->second;
    const auto uuid = TRY(base::uuid::parse(id));
    if (read && read->content) {
      // If it has changed meanwhile, the commit is refused and the next attempt reads it from the store.
      task t{std::move(*read->content), uuid, read->version};
      read->content.reset();
      out.commit.preconditions.push_back(storage::version_is{"Task", uuid, t.version});
      return &tasks.emplace(id, std::move(t)).first->second;
    }
    const auto stored = TRY(view->current("Task", uuid));
    if (!stored || stored->deleted) return base::fail(base::errc::invalid_argument, "the Task is not in the store", "Task/" + id);
    task t{TRY(base::json::parse(*stored->bytes)), uuid, stored->version};
    out.commit.preconditions.push_back(storage::version_is{"Task", uuid, stored->version});
    return &tasks.emplace(id, std::move(t)).first->second;
  }
  base::result<> write(const engine_context& context, task& t) {
    out.commit.operations.push_back(TRY(context.write_task(t.content, t.id)));
    ++t.version;
    return {};
  }
};

base::log_context instance_host::log_context() const {
  return {.process = process_ ? process_name() : std::string{}, .instance = external_id(), .business_key = state_.business_key};
}

base::result<> instance_host::load(bool before_end) { return load(before_end, false); }
base::result<> instance_host::load_without_data() { return load(false, true); }

base::result<> instance_host::load(bool before_end, bool without_data) {
  const auto view = context_->store->view();
  auto snapshot = TRY(view->instance_snapshot(id_));
  storage::large_value_reader values{external_id(), view, id_};
  without_data_ = without_data;
  if (without_data) values.stand_in_for_erased();
  rows_ = 0;
  unsnapped_bytes_ = 0;
  snapshot_bytes_ = 0;
  stored_ = {};
  state_ = {};
  key_ = TRY(view->data_key_at(storage::keys::instance_data_key(id_)));
  key_stored_ = key_.has_value();
  if (snapshot) {
    state_ = TRY(storage::decode_state(snapshot->bytes, values));
    rows_ = snapshot->event;
  }
  const auto in_snapshot = values.referred_bytes();
  const auto events = TRY(view->instance_events(id_, rows_ + 1));
  std::vector<bpmn::event_batch> batches;
  for (const auto& row : events) {
    if (row.number != rows_ + 1)
      return base::fail(bpmn::errc::bug, "an event of the instance is missing", external_id() + " event " + std::to_string(rows_ + 1));
    batches.push_back(TRY(storage::decode_batch(row.bytes, values)));
    unsnapped_bytes_ += row.bytes.size();
    ++rows_;
  }
  unsnapped_bytes_ += values.referred_bytes() - in_snapshot;
  values.add_to(stored_);
  if (rows_ == 0) return base::fail(bpmn::errc::not_waiting, "there is no such process instance", external_id());
  const auto& sha = snapshot ? state_.definition_sha256 : batches.front().definition_sha256;
  process_ = context_->processes->by_hash(sha);
  if (!process_) return base::fail(bpmn::errc::bug, "the instance's process definition " + sha + " is not deployed", external_id());
  for (const auto& batch : batches)
    for (const auto& e : batch.events) {
      // The start Task is finished with its instance, just before it.
      const auto* task = std::get_if<bpmn::events::task_finished>(&e.what);
      if (before_end && ((task && task->owner == 0) || std::holds_alternative<bpmn::events::instance_finished>(e.what))) return {};
      TRY(bpmn::apply(*process_->definition, state_, e));
    }
  return {};
}

base::result<planned_step> instance_host::plan(std::vector<incoming> commands, std::span<const bpmn::el::answer> answers) {
  working w;
  w.answers = answers;
  w.view = context_->store->view();
  w.aside = storage::large_values{&stored_, [this] { return data_key(); }};
  w.out.state = state_;
  w.out.commit.partition = storage::partition_of(id_);
  w.out.commit.preconditions.push_back(storage::instance_at{id_, rows_});
  for (auto& in : commands) {
    auto taken = take(w, std::move(in));
    if (!w.out.questions.empty()) {
      planned_step asks;
      asks.questions = std::move(w.out.questions);
      return asks;
    }
    TRY(std::move(taken));
  }
  if (w.batches.empty()) {
    w.out.commit = {};
    w.out.commit.partition = storage::partition_of(id_);
    // Commands that changed nothing still use up their rows.
    for (const auto& in : w.out.taken)
      for (const auto& [in_table, key] : in.consumes) w.out.commit.operations.push_back(storage::delete_row{in_table, key});
    w.out.rows = rows_;
    w.out.unsnapped_bytes = unsnapped_bytes_;
    return std::move(w.out);
  }
  TRY(write_effects(w));
  TRY(write_events(w));
  if (w.out.after.ended) w.out.commit.operations.push_back(storage::end_instance{id_});
  if (context_->endpoint_elsewhere) note_undelivered(w.out.commit);
  return std::move(w.out);
}

base::result<storage::data_key> instance_host::data_key() {
  if (!key_) key_ = context_->store->new_data_key();
  return *key_;
}

base::result<> instance_host::keep_key(planned_step& out) {
  if (out.puts_key) return {};
  const auto row = storage::keys::instance_data_key(id_);
  const storage::row_is there{storage::table::data_key, row, key_stored_};
  if (std::ranges::find(out.commit.preconditions, storage::precondition(there)) != out.commit.preconditions.end()) return {};
  // Erased meanwhile: nothing more is written under a key that is not there.
  out.commit.preconditions.push_back(there);
  if (key_stored_) return {};
  out.commit.operations.push_back(TRY(context_->store->put_data_key(TRY(data_key()), row)));
  out.puts_key = true;
  return {};
}

base::result<> instance_host::write_events(working& w) {
  auto& out = w.out;
  std::unordered_set<std::string> put;
  const auto put_values = [&](storage::large_values& from) -> base::result<> {
    for (auto& v : from.take_to_put()) {
      if (!put.insert(v.sha256).second) continue;
      out.commit.operations.push_back(TRY(context_->store->put_value(TRY(data_key()), id_, v.sha256, v.bytes)));
      out.stored_values.push_back(std::move(v.sha256));
      TRY(keep_key(out));
    }
    return {};
  };
  storage::append_events append{id_, rows_ + 1, std::move(w.batches), std::nullopt};
  out.rows = rows_ + append.events.size();
  out.unsnapped_bytes = unsnapped_bytes_ + w.aside.referred_bytes();
  for (const auto& bytes : append.events) out.unsnapped_bytes += bytes.size();
  TRY(put_values(w.aside));
  if (out.unsnapped_bytes > std::max(context_->settings.snapshot_after_bytes, snapshot_bytes_) && !out.after.ended) {
    storage::large_values aside{&stored_, [this] { return data_key(); }};
    auto snapshot = TRY(storage::encode_state(out.state, aside));
    // A snapshot costs as much as it is long, its large values included: they are hashed anew. So a long one waits for as many bytes of events.
    snapshot_bytes_ = snapshot.size() + aside.referred_bytes();
    if (out.unsnapped_bytes > snapshot_bytes_) {
      TRY(put_values(aside));
      append.snapshot = std::move(snapshot);
      out.unsnapped_bytes = 0;
      snapshot_bytes_ = 0;
    }
  }
  out.commit.operations.push_back(std::move(append));
  return {};
}

base::result<> instance_host::take(working& w, incoming in) {
  auto& out = w.out;
  auto* start = std::get_if<bpmn::start_instance>(&in.what.what);
  if (start) start->process_instance_id = external_id();
  auto* message = std::get_if<bpmn::message_received>(&in.what.what);
  working::task* task = nullptr;
  if (!in.task_id.empty()) {
    task = TRY(w.open(in.task_id, in.task.get()));
    const bpmn::received_task received{{"Task", in.task_id, task->version + 1}};
    if (start) start->task = received;
    if (message) message->task = received;
  }
  auto step = bpmn::advance(*process_->definition, out.state, in.what, w.answers, context_->settings.limits);
  if (!step) {
    out.refused.emplace_back(std::move(in), std::move(step).error());
    return {};
  }
  if (start) {
    const auto key = storage::keys::business_key(out.commit.partition, process_name(), start->business_key);
    if (!DSF_MUTANT("actors.business_key_starts_twice"))
      out.commit.preconditions.push_back(storage::row_is{storage::table::business_key, key, false});
    std::string value(1, '\1');
    base::put_u64(value, id_);
    out.commit.operations.push_back(storage::put_row{storage::table::business_key, key, std::move(value)});
  }
  for (const auto& [in_table, key] : in.consumes) {
    out.commit.preconditions.push_back(storage::row_is{in_table, key, true});
    if (in_table != storage::table::inbox || !DSF_MUTANT("inbox-row-kept"))
      out.commit.operations.push_back(storage::delete_row{in_table, key});
  }
  if (task) {
    const auto& business_key = start ? start->business_key : out.state.business_key;
    task->content = to_in_progress(std::move(task->content), business_key);
    TRY(w.write(*context_, *task));
  }
  const auto cause = in.what;
  out.taken.push_back(std::move(in));
  return apply_step(w, std::move(*step), cause);
}

base::result<> instance_host::apply_step(working& w, bpmn::step step, const bpmn::command& cause) {
  if (!step.questions.empty()) {
    const auto& first = step.questions.front();
    auto why = "the expression " + first.text + " needs a worker that understands " + first.member;
    if (context_->ask) w.out.questions = std::move(step.questions);
    return base::fail(bpmn::errc::evaluation, std::move(why));
  }
  auto& out = w.out;
  if (!step.events.empty()) {
    bpmn::event_batch batch;
    batch.first_number = out.state.events + 1;
    batch.time = cause.now;
    batch.cause = cause.cause;
    batch.definition_sha256 = process_->definition->sha256;
    batch.events = std::move(step.events);
    if (context_->events->anyone()) {
      for (const auto& e : batch.events) {
        const auto* entered = std::get_if<bpmn::events::activity_started>(&e.what);
        if (entered)
          out.after.events.push_back({site_event_kind::activity_entered,
                                      cause.now,
                                      process_name(),
                                      external_id(),
                                      step.state.business_key,
                                      process_->definition->nodes[entered->node].id,
                                      {},
                                      {}});
      }
    }
    w.batches.push_back(TRY(storage::encode_batch(batch, w.aside)));
  }
  out.state = std::move(step.state);
  return run_quick_handlers(w, std::move(step.effects), cause.now);
}

base::result<> instance_host::run_quick_handlers(working& w, std::vector<bpmn::effect> effects, timestamp now) {
  std::vector<bpmn::run_handler> quick;
  for (auto& effect : effects) {
    if (auto* finish = std::get_if<bpmn::finish_task>(&effect)) {
      auto opened = w.open(finish->task.id);
      if (!opened) {
        if (TRY(w.is_gone(finish->task.id))) continue;
        return base::failure(std::move(opened).error());
      }
      auto* task = *opened;
      // A Task that an operator has ended by hand stays as it is.
      if (task->content["status"].str() != "in-progress") continue;
      task->content = to_final(std::move(task->content), finish->status, finish->error, finish->pending);
      TRY(w.write(*context_, *task));
      continue;
    }
    if (auto* update = std::get_if<bpmn::update_task>(&effect)) {
      auto* task = TRY(w.open(update->task.id));
      if (task->content["status"].str() != "in-progress") continue;
      task->content = with_changes(std::move(task->content), update->pending);
      TRY(w.write(*context_, *task));
      continue;
    }
    if (auto* call = std::get_if<bpmn::run_handler>(&effect); call && call->due <= now) {
      const auto* entry = context_->handlers->find(process_->definition->key, process_->definition->version_tag, call->class_name);
      if (entry && entry->trait == plugins::handler_trait::quick) quick.push_back(*call);
    }
    w.effects.push_back(std::move(effect));
  }
  for (const auto& call : quick) {
    if (w.out.state.jobs.find(call.job) == nullptr) continue;  // an earlier one of this segment ended the activity
    const auto* entry = context_->handlers->find(process_->definition->key, process_->definition->version_tag, call.class_name);
    const auto activation = TRY(activation_of(w.out.state, call));
    const auto services = context_->services_for(activation);
    auto command = to_command(call.job, entry->run(activation, *services), now);
    command.cause = "handler " + call.class_name;
    auto step = bpmn::advance(*process_->definition, w.out.state, command, w.answers, context_->settings.limits);
    if (!step) return base::failure(std::move(step).error());
    TRY(apply_step(w, std::move(*step), command));
  }
  return {};
}

base::result<> instance_host::write_effects(working& w) {
  bpmn::merge_effects(w.effects);
  auto& out = w.out;
  auto& ops = out.commit.operations;
  const auto partition = out.commit.partition;
  const auto now = context_->clock->now();
  const auto event = [&](site_event_kind kind, std::string activity, std::string partner, std::string text) {
    out.after.events.push_back(
        {kind, now, process_name(), external_id(), out.state.business_key, std::move(activity), std::move(partner), std::move(text)});
  };
  const auto timer = [&](bpmn::local_id job, timestamp due, bool retry = false) {
    if (!retry || !DSF_MUTANT("retry-row-lost"))
      ops.push_back(storage::put_row{storage::table::timer, storage::keys::timer(partition, due, id_, job_tail(job)), row_mark});
    if (due > now) out.after.wake_ups.push_back(due);
  };
  if (state_.status == bpmn::instance_status::fresh) event(site_event_kind::instance_started, {}, {}, out.state.message_name);
  for (auto& effect : w.effects) {
    if (auto* call = std::get_if<bpmn::run_handler>(&effect)) {
      timer(call->job, call->due, call->attempt > 1);
      if (call->due <= now) out.after.handlers.push_back(std::move(*call));
    } else if (const auto* gone = std::get_if<bpmn::cancel_job>(&effect)) {
      if (!DSF_MUTANT("actors.timer_row_not_deleted"))
        ops.push_back(storage::delete_row{storage::table::timer, storage::keys::timer(partition, gone->due, id_, job_tail(gone->job))});
      out.after.cancelled_jobs.push_back(gone->job);
    } else if (const auto* t = std::get_if<bpmn::schedule_timer>(&effect)) {
      timer(t->job, t->due);
      if (t->due <= now) out.after.wake_ups.push_back(now);
    } else if (const auto* c = std::get_if<bpmn::schedule_continuation>(&effect)) {
      timer(c->job, c->due);
      if (c->due <= now) out.after.continuations.push_back(c->job);
    } else if (const auto* open = std::get_if<bpmn::open_subscription>(&effect)) {
      ops.push_back(storage::put_row{
          storage::table::subscription,
          subscription_key(id_, open->subscription, open->signal, open->name, open->has_correlation_key, open->correlation_key), row_mark});
    } else if (const auto* close = std::get_if<bpmn::close_subscription>(&effect)) {
      if (DSF_MUTANT("subscription-row-left")) continue;
      ops.push_back(storage::delete_row{
          storage::table::subscription,
          subscription_key(id_, close->subscription, close->signal, close->name, close->has_correlation_key, close->correlation_key)});
    } else if (auto* send = std::get_if<bpmn::send_message>(&effect)) {
      outbox_entry entry;
      entry.instance = id_;
      entry.message = send->message;
      entry.outbox_id = context_->store->external_id(id_, send->message);
      entry.organization = send->content.to.organization_identifier;
      entry.endpoint_url = send->content.to.endpoint_url;
      entry.process = process_name();
      entry.business_key = send->content.business_key;
      entry.message_name = send->content.message_name;
      entry.created = now;
      const auto& deadline = !send->content.send_deadline.empty() ? send->content.send_deadline
                             : !process_->send_deadline.empty()   ? process_->send_deadline
                                                                  : context_->settings.default_send_deadline;
      entry.deadline = base::add(now, TRY(base::parse_duration(deadline)));
      entry.task = TRY(outgoing_task(send->content, context_->settings.organization, now, entry.outbox_id)).dump();
      if (entry.task.size() > storage::large_value_limit) {
        entry.sealed_task = TRY(context_->store->seal(TRY(data_key()), entry.task, entry.outbox_id));
        TRY(keep_key(out));
      }
      ops.push_back(storage::put_row{storage::table::outbox, storage::keys::outbox(entry.endpoint_url, outbox_number(id_, send->message)),
                                     encode_outbox(entry)});
      entry.sealed_task.clear();
      out.after.messages.push_back(std::move(entry));
    } else if (const auto* drop = std::get_if<bpmn::cancel_message>(&effect)) {
      if (const auto* m = state_.messages.find(drop->message))
        ops.push_back(storage::delete_row{storage::table::outbox,
                                          storage::keys::outbox(m->content->to.endpoint_url, outbox_number(id_, drop->message))});
    } else if (const auto* signal = std::get_if<bpmn::throw_signal>(&effect)) {
      ops.push_back(storage::put_inbox{encode_inbox({inbox_kind::signal, signal->name})});
    } else if (const auto* incident = std::get_if<bpmn::raise_incident>(&effect)) {
      const auto& nodes = process_->definition->nodes;
      event(site_event_kind::incident, incident->activity < nodes.size() ? nodes[incident->activity].id : process_->definition->key, {},
            incident->error);
      ops.push_back(storage::put_row{storage::table::subscription,
                                     storage::keys::subscription(partition, 'i', "incident", {}, id_, job_tail(incident->job)), row_mark});
      context_->log->error("engine", "incident: " + incident->error, log_context());
    } else if (const auto* resolved = std::get_if<bpmn::resolve_incident>(&effect)) {
      ops.push_back(storage::delete_row{storage::table::subscription,
                                        storage::keys::subscription(partition, 'i', "incident", {}, id_, job_tail(resolved->job))});
    } else if (const auto* ended = std::get_if<bpmn::instance_ended>(&effect)) {
      out.after.ended = true;
      event(site_event_kind::instance_ended, {}, {}, ended->failed ? ended->reason : std::string{});
      ops.push_back(storage::delete_row{storage::table::business_key,
                                        storage::keys::business_key(partition, process_name(), out.state.business_key)});
    }
  }
  return {};
}

void instance_host::adopt(planned_step& step) {
  state_ = std::move(step.state);
  rows_ = step.rows;
  unsnapped_bytes_ = step.unsnapped_bytes;
  for (auto& sha256 : step.stored_values) stored_.add(std::move(sha256));
  if (step.puts_key) key_stored_ = true;
}

base::result<after_commit> instance_host::resume() const {
  after_commit out;
  const auto now = context_->clock->now();
  if (DSF_MUTANT("actors.open_jobs_forgotten")) return out;
  for (auto& effect : TRY(bpmn::pending_effects(*process_->definition, state_, now))) {
    if (auto* call = std::get_if<bpmn::run_handler>(&effect)) {
      if (call->due <= now)
        out.handlers.push_back(std::move(*call));
      else
        out.wake_ups.push_back(call->due);
    } else if (const auto* t = std::get_if<bpmn::schedule_timer>(&effect)) {
      out.wake_ups.push_back(t->due);
    } else if (const auto* c = std::get_if<bpmn::schedule_continuation>(&effect)) {
      if (c->due <= now)
        out.continuations.push_back(c->job);
      else
        out.wake_ups.push_back(c->due);
    }
  }
  return out;
}

base::result<plugins::activation> instance_host::activation_of(const bpmn::instance_state& state, const bpmn::run_handler& call) const {
  plugins::activation a;
  a.call = call.call;
  a.event = call.event;
  a.class_name = call.class_name;
  a.process_key = process_->definition->key;
  a.version_tag = process_->definition->version_tag;
  a.instance_id = external_id();
  a.business_key = state.business_key;
  a.activity_id = call.activity == bpmn::no_node ? a.process_key : process_->definition->nodes[call.activity].id;
  if (const auto* e = state.executions.find(call.execution))
    a.activity_instance_id = context_->store->external_id(id_, e->activity_instance);
  a.fields = call.fields;
  a.variables = bpmn::visible_variables(state, call.execution);
  a.attempt = call.attempt;
  a.idempotency_key = a.instance_id + "/" + std::to_string(call.job) + (call.event.empty() ? "" : "/" + call.event);

  const auto view = context_->store->view();
  const auto document = [&](const bpmn::task_record& record) -> base::result<plugins::task_document> {
    plugins::task_document d;
    d.id = record.task.reference.id;
    const auto id = TRY(base::uuid::parse(d.id));
    // Inside a segment the in-progress version is not stored yet: then the stored one is read, which differs in status only.
    const auto stored = TRY(view->current("Task", id));
    if (!stored || stored->deleted)
      return base::fail(base::errc::invalid_argument, "the Task of the instance is not in the store", "Task/" + d.id);
    d.version = stored->version;
    d.content = std::make_shared<const base::json>(with_changes(TRY(base::json::parse(*stored->bytes)), record.pending));
    return d;
  };
  if (state.start_task) a.start_task = TRY(document(*state.start_task));
  for (const auto* record : bpmn::current_tasks(*process_->definition, state, call.execution)) {
    if (a.start_task && record->task.reference.id == a.start_task->id)
      a.current_tasks.push_back(*a.start_task);
    else
      a.current_tasks.push_back(TRY(document(*record)));
  }
  if (!a.current_tasks.empty()) a.latest_task = a.current_tasks.back();
  return a;
}

bool instance_host::may_run_beside(const bpmn::run_handler& call) const {
  for (auto at = call.activity; at != bpmn::no_node; at = process_->definition->nodes[at].parent) {
    const auto& n = process_->definition->nodes[at];
    if (!n.exclusive || (n.loop && !n.loop->exclusive)) return true;
  }
  return false;
}

}  // namespace dsf::actors
