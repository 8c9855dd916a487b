// The process engine's actor: takes Tasks and signals from the inbox, finds or starts their instances, and supervises them.
#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "actors/engine_impl.hpp"
#include "actors/link/rows.hpp"
#include "actors/task_document.hpp"
#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "bpmn/errc.hpp"

namespace dsf::actors {
namespace {

constexpr std::size_t inbox_rows = 512;             // rows read at once
constexpr std::size_t inbox_in_flight = 4'096;      // Tasks handed to instances and not committed yet
constexpr auto retry_pause = std::chrono::milliseconds(100);

struct live_instance {
  caf::actor actor;
  std::shared_ptr<actor_record> record;
  std::uint64_t sent = 0;
};

// A Task on its way to an instance, or waiting for one.
struct pending_task {
  std::string row;
  std::string task_id;
  task_facts facts;
  std::string business_key;
  base::timestamp first_try;  // or when its instance was last seen sending
  bool last_try = false;
  std::shared_ptr<read_task> document;
};

struct process_engine_state {
  caf::event_based_actor* self = nullptr;
  shared_engine shared;
  std::shared_ptr<actor_record> record;
  std::unordered_map<std::uint64_t, live_instance> live;
  std::unordered_map<caf::actor_addr, std::uint64_t> by_address;
  std::unordered_map<std::string, std::uint64_t> starting;      // business key row -> instance whose start is not committed yet
  std::unordered_map<std::string, pending_task> in_flight;      // by inbox row
  std::deque<pending_task> unmatched;
  std::unordered_map<std::uint64_t, int> crashes;
  std::string cursor;                                           // the next inbox row to read
  std::uint64_t id_next = 0, id_end = 0;
  bool retry_set = false;
  bool caught_up = false;

  const engine_context& context() const { return shared->context; }

  // ---- instances ----

  live_instance& spawn(std::uint64_t id, std::shared_ptr<const deployed_process> process) {
    auto record_of_instance = shared->actors.add("instance/" + context().store->external_id(id), record->name);
    auto actor = self->spawn<caf::lazy_init>(process_instance_actor, shared, id, std::move(process), record_of_instance);
    self->monitor(actor);
    by_address.emplace(actor.address(), id);
    return live[id] = live_instance{std::move(actor), std::move(record_of_instance), 0};
  }

  live_instance& instance(std::uint64_t id) {
    const auto at = live.find(id);
    return at != live.end() ? at->second : spawn(id, nullptr);
  }

  void send(std::uint64_t id, std::shared_ptr<incoming> what) {
    if (DSF_MUTANT("actors.passivated_instance_not_loaded") && !live.contains(id)) return;
    auto& to = instance(id);
    ++to.sent;
    tell(to.actor, to.record, deliver{id, std::move(what)});
  }

  void passivate(const passivation_wish& wish) {
    const auto at = live.find(wish.instance);
    if (at == live.end() || at->second.sent != wish.handled) return;  // something is on its way to it
    caf::anon_send(at->second.actor, retire{});
    by_address.erase(at->second.actor.address());
    live.erase(at);
  }

  // An instance's actor ended without being asked to: a fault of ours. It is loaded again once; then it waits for an operator.
  void down(const caf::down_msg& d) {
    const auto address = by_address.find(caf::actor_cast<caf::actor_addr>(d.source));
    if (address == by_address.end()) return;
    const auto id = address->second;
    by_address.erase(address);
    live.erase(id);
    std::erase_if(starting, [&](const auto& s) { return s.second == id; });
    ++record->restarts;
    const auto crash = ++crashes[id];
    context().log->error("engine", "the actor of a process instance ended unexpectedly", {.instance = context().store->external_id(id)},
                         {{"crashes", static_cast<std::int64_t>(crash)}});
    // The Tasks it had in hand are still in the inbox; they are read again.
    in_flight.clear();
    unmatched.clear();
    cursor.clear();
    if (crash <= 1) send(id, nullptr);
    self->delayed_send(self, retry_pause, inbox_wake{});
  }

  base::result<std::uint64_t> next_id() {
    if (id_next == id_end) {
      id_next = TRY(context().store->allocate_instance_ids(0, 1'000));
      id_end = id_next + 1'000;
    }
    return id_next++;
  }

  // ---- inbox ----

  void read_inbox() {
    const auto prefix = storage::keys::inbox_prefix(0);
    const auto view = context().store->view();
    if (!view) return;
    while (in_flight.size() < inbox_in_flight) {
      const auto rows = view->rows(storage::table::inbox, prefix, inbox_rows, cursor);
      if (!rows) {
        context().log->error("engine", "the inbox can't be read", {}, {{"error", rows.error().to_string()}});
        return;
      }
      for (const auto& row : *rows) {
        cursor = row.key + '\0';
        if (!in_flight.contains(row.key)) take(row, *view);
      }
      if (rows->size() < inbox_rows) {
        if (!caught_up) {
          caught_up = true;
          shared->receiving = true;
          context().events->publish({site_event_kind::ready, context().clock->now(), {}, {}, {}, {}, {}, {}});
        }
        return;
      }
    }
  }

  void take(const storage::row& row, const storage::store_view& view) {
    const auto entry = decode_inbox(row.value);
    if (!entry) return context().log->error("engine", "an inbox row can't be read", {}, {{"error", entry.error().to_string()}});
    if (entry->kind == inbox_kind::signal) return broadcast(row.key, entry->subject, view);
    pending_task t{.row = row.key, .task_id = entry->subject, .first_try = context().clock->now()};
    const auto id = base::uuid::parse(t.task_id);
    if (!id) return drop(t, "not a Task id");
    const auto stored = view.current("Task", *id);
    if (!stored)
      return context().log->error("engine", "a Task can't be read", {.task = "Task/" + t.task_id}, {{"error", stored.error().to_string()}});
    if (!*stored || (*stored)->deleted) return drop(t, "the Task was deleted");
    auto task = base::json::parse(*(*stored)->bytes);
    if (!task) return drop(t, task.error().to_string());
    t.facts = facts_of(*task);
    if (t.facts.status != "requested") return drop(t, "the Task is " + t.facts.status);
    t.document = std::make_shared<read_task>(std::move(*task), (*stored)->version);
    t.business_key = t.facts.business_key.empty() ? base::uuid::random(*context().entropy).to_string() : t.facts.business_key;
    context().events->publish({site_event_kind::task_received,
                               context().clock->now(),
                               t.facts.process ? t.facts.process->key + "|" + t.facts.process->version : "",
                               {},
                               t.business_key,
                               {},
                               t.facts.requester,
                               t.facts.message_name});
    route(std::move(t));
  }

  // dsf-bpe 1.8 with the decisions of its Appendix A.
  void route(pending_task t) {
    if (!t.facts.process) return fail(t, "Process not found");
    const auto process = context().processes->find(t.facts.process->key, t.facts.process->version);
    const auto key = storage::keys::business_key(0, t.facts.process->key + "|" + t.facts.process->version, t.business_key);
    const bool again = DSF_MUTANT("actors.business_key_starts_twice") && t.facts.message_name.starts_with("start");
    if (const auto existing = find_instance(key); existing && !again) return hand_over(std::move(t), *existing, message_command(t));
    if (!process) return fail(t, "Process not found");
    const auto& d = *process->definition;
    for (const auto start : d.starts) {
      const auto& n = d.nodes[start];
      if (n.event.kind != bpmn::event_kind::message || n.event.name != t.facts.message_name) continue;
      const auto id = next_id();
      if (!id) {
        context().log->error("engine", "no instance id", {}, {{"error", id.error().to_string()}});
        unmatched.push_back(std::move(t));
        return retry_later();
      }
      spawn(*id, process);
      starting[key] = *id;
      bpmn::command c{context().clock->now(), "task Task/" + t.task_id,
                      bpmn::start_instance{{}, t.business_key, start, t.facts.message_name, std::nullopt, {}}};
      return hand_over(std::move(t), *id, std::move(c));
    }
    fail(t, "Process with start message-name '" + t.facts.message_name + "' not found");
  }

  static bpmn::command message_command_at(const pending_task& t, base::timestamp now) {
    return {now, "task Task/" + t.task_id,
            bpmn::message_received{t.facts.message_name, t.facts.correlation_key, t.facts.has_correlation_key, std::nullopt}};
  }
  bpmn::command message_command(const pending_task& t) const { return message_command_at(t, context().clock->now()); }

  std::optional<std::uint64_t> find_instance(const std::string& key) {
    if (const auto at = starting.find(key); at != starting.end()) return at->second;
    const auto view = context().store->view();
    if (!view) return std::nullopt;
    const auto value = view->row_value(storage::table::business_key, key);
    if (!value || !*value) return std::nullopt;
    base::byte_reader r{**value};
    r.u8();
    return r.u64();
  }

  void hand_over(pending_task t, std::uint64_t id, bpmn::command command) {
    auto in = std::make_shared<incoming>();
    in->what = std::move(command);
    in->task_id = t.task_id;
    in->task = std::move(t.document);
    in->consumes.emplace_back(storage::table::inbox, t.row);
    in->sent_again = true;
    in->done = [me = caf::actor_cast<caf::actor>(self), row = t.row](base::result<> r) {
      caf::anon_send(me, inbox_outcome{row, std::make_shared<base::result<>>(std::move(r))});
    };
    auto row = t.row;
    in_flight.insert_or_assign(std::move(row), std::move(t));
    send(id, std::move(in));
  }

  void settled(const inbox_outcome& o) {
    const auto at = in_flight.find(o.row);
    if (at == in_flight.end()) return;
    auto t = std::move(at->second);
    in_flight.erase(at);
    if (t.facts.process)
      starting.erase(storage::keys::business_key(0, t.facts.process->key + "|" + t.facts.process->version, t.business_key));
    if (*o.result) return read_inbox();
    const auto& why = o.result->error();
    if (why.kind() != base::error_kind::conflict && why.kind() != base::error_kind::overloaded) {
      // Not a race: the Task can't be handled as it is.
      if (why.kind() == base::error_kind::unavailable)
        unmatched.push_back(std::move(t));
      else
        return fail(t, why.text());
    } else {
      unmatched.push_back(std::move(t));
    }
    retry_later();
  }

  void retry_later() {
    if (std::exchange(retry_set, true)) return;
    self->delayed_send(self, retry_pause, clock_tick{});
  }

  // Nobody waited for these Tasks when they came. The instance may be about to, or they may be somebody's mistake (decision 9).
  void retry_unmatched() {
    retry_set = false;
    const auto now = context().clock->now();
    auto again = std::exchange(unmatched, {});
    const auto view = context().store->view();
    for (auto& t : again) {
      const auto row = view ? view->row_value(storage::table::inbox, t.row) : storage::result<std::optional<std::string>>{std::nullopt};
      if (row && !*row) continue;  // done meanwhile
      if (now.us - t.first_try.us > context().settings.correlation_buffer_us && !DSF_MUTANT("actors.buffered_task_never_fails")) {
        if (is_under_way(t)) {
          t.first_try = now;
          t.last_try = false;
        } else if (std::exchange(t.last_try, true)) {
          fail(t, "Unable to correlate Task");
          continue;
        }
      }
      route(std::move(t));
    }
  }

  // The other site has a message before its sender hears of it, which may take as long as the network is broken; and a handler between question
  // and answer may be away and tried again later, a worker's listener at the receiving event too. While messages or jobs of the instance are under
  // way, the Task may be an answer that it will wait for as soon as they are done.
  [[nodiscard]] bool is_under_way(const pending_task& t) {
    if (!t.facts.process) return false;
    const auto id = find_instance(storage::keys::business_key(0, t.facts.process->key + "|" + t.facts.process->version, t.business_key));
    if (!id) return false;
    instance_host host(context(), *id);
    if (!host.load()) return false;
    if (!host.state().messages.empty()) return true;
    if (DSF_MUTANT("actors.answer_not_kept_for_jobs")) return false;
    for (const auto& j : host.state().jobs)
      if (j.kind != bpmn::job_kind::timer && !j.detached) return true;
    return false;
  }

  // The Task fails with DSF's text; its inbox row goes in the same commit.
  void fail(const pending_task& t, const std::string& text) {
    context().log->warning("engine", "a Task could not be handled: " + text,
                           {.partner = t.facts.requester, .business_key = t.business_key, .task = "Task/" + t.task_id});
    storage::commit c;
    if (auto ok = failure_commit(t, text, c); !ok) return drop(t, ok.error().to_string());
    context().store->submit(std::move(c),
                            [me = caf::actor_cast<caf::actor>(self), log = context().log, t](storage::result<storage::receipt> r) {
                              // A conflict: somebody wrote the Task meanwhile. The row is still there and is read again.
                              if (!r) {
                                log->warning("engine", "the failure of a Task could not be stored", {.task = "Task/" + t.task_id},
                                             {{"error", r.error().to_string()}});
                                caf::anon_send(me, inbox_outcome{t.row, nullptr});
                              }
                            });
  }

  base::result<> failure_commit(const pending_task& t, const std::string& text, storage::commit& c) {
    const auto id = TRY(base::uuid::parse(t.task_id));
    const auto stored = TRY(context().store->view()->current("Task", id));
    if (!stored || stored->deleted) return base::fail(base::errc::invalid_argument, "the Task is gone");
    auto task = TRY(base::json::parse(*stored->bytes));
    if (task["status"].str() != "requested") return base::fail(base::errc::invalid_argument, "the Task is " + task["status"].str());
    task = to_final(to_in_progress(std::move(task), t.business_key), "failed", text, {});
    c.preconditions.push_back(storage::row_is{storage::table::inbox, t.row, true});
    c.preconditions.push_back(storage::version_is{"Task", id, stored->version});
    c.operations.push_back(TRY(context().write_task(task, id)));
    c.operations.push_back(storage::delete_row{storage::table::inbox, t.row});
    if (context().endpoint_elsewhere) note_undelivered(c);
    return {};
  }

  // The row has nothing to tell any more.
  void drop(const pending_task& t, const std::string& why) {
    context().log->info("engine", "an inbox entry was dropped: " + why, {.task = "Task/" + t.task_id});
    drop_row(t.row);
  }
  void drop_row(const std::string& row) {
    storage::commit c;
    c.operations.push_back(storage::delete_row{storage::table::inbox, row});
    context().store->submit(std::move(c), [log = context().log](storage::result<storage::receipt> r) {
      if (!r) log->warning("engine", "an inbox entry could not be dropped", {}, {{"error", r.error().to_string()}});
    });
  }

  // ---- signals ----

  // To every instance that waits for the signal now (engine 1c.13); the row stays until all have answered.
  void broadcast(const std::string& row, const std::string& name, const storage::store_view& view) {
    pending_task marker;
    marker.row = row;
    in_flight.insert_or_assign(row, std::move(marker));
    const auto prefix = storage::keys::subscription_prefix(0, 's', name, {});
    auto receivers = std::make_shared<std::unordered_set<std::uint64_t>>();
    std::string from;
    for (;;) {
      const auto rows = view.rows(storage::table::subscription, prefix, inbox_rows, from);
      if (!rows) return context().log->error("engine", "the signal's receivers can't be read", {}, {{"error", rows.error().to_string()}});
      for (const auto& r : *rows) {
        // ... instance (8 bytes), subscription (4 bytes)
        if (r.key.size() >= 12) receivers->insert(base::byte_reader{std::string_view(r.key).substr(r.key.size() - 12, 8)}.u64());
        from = r.key + '\0';
      }
      if (rows->size() < inbox_rows) break;
    }
    if (DSF_MUTANT("actors.signal_skips_a_receiver") && !receivers->empty()) receivers->erase(receivers->begin());
    auto left = std::make_shared<std::atomic<std::size_t>>(receivers->size() + 1);
    const auto one_done = [left, me = caf::actor_cast<caf::actor>(self), row](base::result<>) {
      if (--*left == 0) caf::anon_send(me, inbox_outcome{row, std::make_shared<base::result<>>()});
    };
    for (const auto id : *receivers) {
      auto in = std::make_shared<incoming>();
      in->what = {context().clock->now(), "signal " + name, bpmn::signal_received{name, {}}};
      in->done = one_done;
      send(id, std::move(in));
    }
    one_done({});
  }
};

}  // namespace

caf::behavior process_engine_actor(caf::event_based_actor* self, shared_engine shared, std::shared_ptr<actor_record> record) {
  auto state = std::make_shared<process_engine_state>();
  state->self = self;
  state->shared = std::move(shared);
  state->record = std::move(record);
  self->set_down_handler([state](const caf::down_msg& d) { state->down(d); });
  // Instances are not linked to the engine: one that fails must not take it along. They end with it here.
  self->attach_functor([state] {
    for (auto& [id, instance] : state->live) caf::anon_send_exit(instance.actor, caf::exit_reason::user_shutdown);
    state->live.clear();
    state->by_address.clear();
  });
  return {
      [=](const inbox_wake&) {
        handled(state->record);
        state->shared->inbox_wake_sent = false;
        state->read_inbox();
      },
      [=](const inbox_outcome& o) {
        if (!o.result) {  // a failed attempt to fail a Task: read it again
          state->in_flight.erase(o.row);
          state->cursor.clear();
          return state->read_inbox();
        }
        const auto at = state->in_flight.find(o.row);
        if (at != state->in_flight.end() && at->second.task_id.empty()) {  // a signal that all have got
          state->in_flight.erase(at);
          return state->drop_row(o.row);
        }
        state->settled(o);
      },
      [=](const deliver& d) {
        handled(state->record);
        state->send(d.instance, d.what);
      },
      [=](const passivation_wish& w) { state->passivate(w); },
      [=](const clock_tick&) { state->retry_unmatched(); },
  };
}

}  // namespace dsf::actors
