#include "tests/simulation/ledger.hpp"

#include <fmt/format.h>

#include "actors/inbox.hpp"
#include "actors/instance_host.hpp"
#include "actors/link/rows.hpp"
#include "actors/task_document.hpp"
#include "base/bytes.hpp"
#include "bpmn/execution/advance.hpp"
#include "tests/simulation/handlers.hpp"
#include "tests/simulation/names.hpp"

namespace dsf::simulation {
namespace {

using base::json;
using storage::table;

constexpr std::size_t all_rows = 100'000;

int rank(const std::string& status) {
  if (status == "requested") return 1;
  if (status == "in-progress") return 2;
  return 3;
}

std::string tail_of(bpmn::local_id id) {
  std::string out;
  base::put_u32(out, id);
  return out;
}

std::set<std::string> keys_of(const storage::store_view& view, table in) {
  std::set<std::string> out;
  const auto rows = view.rows(in, {}, all_rows);
  if (rows)
    for (const auto& r : *rows) out.insert(r.key);
  return out;
}

std::string business_key_row(const std::string& process, const std::string& key) { return storage::keys::business_key(0, process, key); }

}  // namespace

void ledger::broken(unsigned n, const std::string& text) {
  if (fault_.empty()) fault_ = fmt::format("site {}: {}", n, text);
}

std::vector<base::uuid> ledger::in_progress(unsigned n) const {
  std::vector<base::uuid> out;
  if (const auto at = sites_.find(n); at != sites_.end())
    for (const auto& [id, t] : at->second.tasks)
      if (t.status == "in-progress") out.push_back(id);
  return out;
}

void ledger::after_commits(unsigned n, site_parts& site, std::span<const storage::feed_entry> entries) {
  const auto view = site.store->view();
  std::set<std::uint64_t> instances;
  for (const auto& e : entries) {
    for (const auto& r : e.resources) {
      if (r.type != "Task") continue;
      if (r.what == storage::resource_change::kind::purged)
        look_at_trimmed(n, r.id);
      else if (still_there(n, *view, r.id))
        look_at_task(n, *view, r.id, r.version, false);
    }
    for (const auto& i : e.instances) instances.insert(i.instance);
  }
  for (const auto i : instances) look_at_instance(n, site, *view, i);
  look_at_inbox(n, *view);
}

// A copy goes when its Task is over, and not before.
void ledger::look_at_trimmed(unsigned n, base::uuid id) {
  auto& here = sites_[n];
  const auto at = here.tasks.find(id);
  if (!engines_.contains(n) || at == here.tasks.end() || rank(at->second.status) < 3)
    return broken(n, "Task/" + id.to_string() + " was purged");
  here.trimmed.insert(id);
  here.tasks.erase(at);
}

// Of one group of commits the last may have trimmed what others wrote.
bool ledger::still_there(unsigned n, const storage::store_view& view, base::uuid id) {
  if (!engines_.contains(n)) return true;
  const auto current = view.current("Task", id);
  if (current && *current) return true;
  sites_[n].tasks[id].status = "completed";
  return false;
}

// The version that the feed names, or the current one after a restart, when versions that nobody was told of may have gone.
void ledger::look_at_task(unsigned n, const storage::store_view& view, base::uuid id, std::uint64_t version, bool reread) {
  auto& here = sites_[n];
  const auto stored = view.version("Task", id, version);
  if (!stored || !*stored || (*stored)->deleted)
    return broken(n, "version " + std::to_string(version) + " of Task/" + id.to_string() + " can't be read");
  const auto task = json::parse(*(*stored)->bytes);
  if (!task) return broken(n, "Task/" + id.to_string() + " is no JSON");
  const auto facts = actors::facts_of(*task);
  if (facts.status == "draft") return;
  auto& seen = here.tasks[id];
  if (!reread && version != seen.version + 1)
    return broken(n, fmt::format("Task/{} goes from version {} to {}", id.to_string(), seen.version, version));
  if (!reread && rank(facts.status) < rank(seen.status.empty() ? "requested" : seen.status))
    return broken(n, fmt::format("Task/{} goes from {} to {}", id.to_string(), seen.status, facts.status));
  const bool is_new = seen.version == 0;
  if (is_new && here.trimmed.contains(id)) return broken(n, "Task/" + id.to_string() + " is taken over once more");
  seen.version = version;
  seen.status = facts.status;
  seen.business_key = facts.business_key;
  seen.message = facts.message_name;
  seen.process = facts.process ? facts.process->key + "|" + facts.process->version : "";
  seen.correlation_key = facts.correlation_key;
  for (const auto& i : (*task)["identifier"])
    if (i["system"].str() == actors::outbox_identifier_system) seen.outbox_id = i["value"].str();
  if (facts.status == "failed")
    return broken(n, fmt::format("Task/{} ({}) failed: {}", id.to_string(), seen.message, (*task)["output"].dump()));
  // No receiver holds two Tasks of one message.
  if (is_new && !seen.outbox_id.empty())
    if (const auto [at, first] = here.by_outbox_id.emplace(seen.outbox_id, id); !first && at->second != id)
      return broken(n, fmt::format("Task/{} and Task/{} are the same message of the outbox", id.to_string(), at->second.to_string()));
  if (is_new && !seen.business_key.empty())
    if (const auto [at, first] = here.by_message.emplace(seen.business_key + "\n" + seen.message + "\n" + seen.correlation_key, id);
        !first && at->second != id)
      return broken(n, fmt::format("Task/{} and Task/{} are the same message '{}' of {}", id.to_string(), at->second.to_string(),
                                   seen.message, seen.business_key));
  // What is in progress has an instance that works on it. The newest version counts: an older one of the same group may have ended.
  const auto current = view.current("Task", id);
  if (endpoints_.contains(n)) return;
  if (facts.status == "in-progress" && current && *current && (*current)->version == version) {
    const auto row = view.row_value(table::business_key, business_key_row(seen.process, seen.business_key));
    if (!row || !*row) broken(n, fmt::format("Task/{} ({}) is in progress without an instance", id.to_string(), seen.message));
  }
}

// Every requested Task stands in the inbox, and nothing else does.
void ledger::look_at_inbox(unsigned n, const storage::store_view& view) {
  std::set<std::string> waiting;
  const auto rows = view.rows(table::inbox, {}, all_rows);
  if (!rows) return broken(n, "the inbox can't be read");
  for (const auto& r : *rows) {
    const auto entry = actors::decode_inbox(r.value);
    if (!entry) return broken(n, "an inbox row can't be read");
    if (entry->kind != actors::inbox_kind::task) continue;
    if (!waiting.insert(entry->subject).second) return broken(n, "Task/" + entry->subject + " stands in the inbox twice");
  }
  if (endpoints_.contains(n)) {
    if (!waiting.empty()) broken(n, "an endpoint without an engine has an inbox");
    return;
  }
  for (const auto& [id, t] : sites_[n].tasks) {
    const bool stands = waiting.erase(id.to_string()) > 0;
    if (stands != (t.status == "requested"))
      return broken(
          n, fmt::format("Task/{} ({}) is {} and {} in the inbox", id.to_string(), t.message, t.status, stands ? "stands" : "is not"));
  }
  if (!waiting.empty()) broken(n, "the inbox holds Task/" + *waiting.begin() + ", which was never seen");
}

// Rows by which an instance is found and woken = what its state waits for.
void ledger::look_at_instance(unsigned n, site_parts& site, const storage::store_view& view, std::uint64_t instance) {
  actors::instance_host host(site.context, instance);
  if (auto loaded = host.load(); !loaded) return broken(n, "an instance can't be loaded: " + loaded.error().to_string());
  const auto& state = host.state();
  const auto name = fmt::format("instance {} of {} ({})", host.external_id(), host.process_name(), state.business_key);
  const bool running = host.running();

  std::set<std::string> timers, subscriptions, outbox;
  if (running) {
    const auto effects = bpmn::pending_effects(host.definition(), state, site.settings.clock->now());
    if (!effects) return broken(n, name + " has no pending effects: " + effects.error().to_string());
    for (const auto& e : *effects) {
      const auto timer = [&](bpmn::local_id job, base::timestamp due) {
        timers.insert(storage::keys::timer(0, due, instance, tail_of(job)));
      };
      if (const auto* h = std::get_if<bpmn::run_handler>(&e)) timer(h->job, h->due);
      if (const auto* t = std::get_if<bpmn::schedule_timer>(&e)) timer(t->job, t->due);
      if (const auto* c = std::get_if<bpmn::schedule_continuation>(&e)) timer(c->job, c->due);
    }
    for (const auto& s : state.subscriptions) {
      if (s.kind == bpmn::subscription_kind::conditional) continue;
      const auto keys = s.has_correlation_key ? std::vector<std::string>{s.correlation_key} : std::vector<std::string>{};
      subscriptions.insert(
          storage::keys::subscription(0, s.kind == bpmn::subscription_kind::signal ? 's' : 'm', s.name, keys, instance, tail_of(s.id)));
    }
    for (const auto& i : state.incidents) return broken(n, name + " has an incident: " + i.error);
    for (const auto& m : state.messages)
      if (!m.refused) outbox.insert(storage::keys::outbox(m.content->to.endpoint_url, actors::outbox_number(instance, m.id)));
  }
  std::set<std::string> timers_there, subscriptions_there, outbox_there;
  for (const auto& key : keys_of(view, table::timer)) {
    storage::keys::timer_key at;
    if (storage::keys::parse_timer(key, at) && at.instance == instance) timers_there.insert(key);
  }
  for (const auto& key : keys_of(view, table::subscription))
    if (key.size() >= 12 && base::byte_reader{std::string_view(key).substr(key.size() - 12, 8)}.u64() == instance)
      subscriptions_there.insert(key);
  const auto rows = view.rows(table::outbox, {}, all_rows);
  if (!rows) return broken(n, "the outbox can't be read");
  for (const auto& r : *rows)
    if (const auto e = actors::decode_outbox(r.value); e && e->instance == instance) outbox_there.insert(r.key);
  const auto same = [&](const char* what, const std::set<std::string>& wanted, const std::set<std::string>& there) {
    if (wanted != there)
      broken(n, fmt::format("{} ({}) waits for {} {}, its rows say {}", name, running ? "running" : "ended", wanted.size(), what,
                            there.size()));
  };
  same("timers", timers, timers_there);
  same("subscriptions", subscriptions, subscriptions_there);
  same("outbox entries", outbox, outbox_there);
  const auto owner = view.row_value(table::business_key, business_key_row(host.process_name(), state.business_key));
  if (!owner || (owner->has_value() && base::byte_reader{std::string_view(**owner).substr(1)}.u64() == instance) != running)
    broken(n, name + (running ? " runs and its business key has no row" : " has ended and its business key has a row"));
}

void ledger::after_restart(unsigned n, site_parts& site, std::uint64_t answered) {
  const auto view = site.store->view();
  if (view->sequence() < answered)
    return broken(n, fmt::format("commit {} was answered, and the store ends with {} after the crash", answered, view->sequence()));
  // What a crash kept of commits that nobody was told of is news now.
  auto& here = sites_[n];
  const auto ids = view->all_ids("Task", all_rows);
  if (!ids) return broken(n, "Tasks can't be listed");
  const std::set<base::uuid> there(ids->begin(), ids->end());
  if (engines_.contains(n))
    std::erase_if(here.tasks, [&](const auto& t) { return rank(t.second.status) == 3 && !there.contains(t.first); });
  for (auto& [id, seen] : here.tasks)
    if (!there.contains(id)) return broken(n, "Task/" + id.to_string() + " (" + seen.message + ") is gone after the crash");
  for (const auto& id : there) {
    const auto current = view->current("Task", id);
    if (!current || !*current) return broken(n, "Task/" + id.to_string() + " can't be read");
    look_at_task(n, *view, id, (*current)->version, true);
  }
  look_at_inbox(n, *view);
  const auto instances = view->instances(0, all_rows);
  if (!instances) return broken(n, "instances can't be listed");
  for (const auto& i : *instances)
    if (i.is_live()) look_at_instance(n, site, *view, i.instance);
}

std::string ledger::wrong_outputs(const json& task, const work_item& item, unsigned n, unsigned sites) const {
  std::map<std::string, int> counts;
  for (const auto& o : task["output"]) {
    const auto& code = o["type"]["coding"][0]["code"].str();
    if (item.ask)
      ++counts[code + (code == "answered" ? " " + o["valueString"].str() : "")];
    else
      ++counts[o["valueCoding"]["code"].str() + " " + o["extension"][0]["extension"][1]["valueIdentifier"]["value"].str()];
  }
  std::map<std::string, int> wanted;
  for (unsigned i = 0; i < sites; ++i)
    if (i != n) wanted[(item.ask ? "answered " : "pong-received ") + organization_of(i)] = 1;
  if (item.ask) {
    wanted["tick"] = wanted["worked"] = 1;
    if (const auto at = counts.find("reminded"); at != counts.end() && at->second == 1) counts.erase(at);
  }
  if (counts == wanted) return {};
  std::string out = fmt::format("Task of {} has the outputs", item.business_key);
  for (const auto& [what, count] : counts) out += fmt::format(" {}x {};", count, what);
  return out;
}

std::string ledger::missing(unsigned n, site_parts& site, const std::vector<work_item>& items, unsigned sites) const {
  const auto view = site.store->view();
  const auto at = sites_.find(n);
  for (const auto& item : items) {
    if (item.site != n) continue;
    if (!item.accepted) return item.business_key + " was never accepted";
    const task_facts_seen* found = nullptr;
    base::uuid id;
    if (at != sites_.end())
      for (const auto& [key, t] : at->second.tasks)
        if (t.business_key == item.business_key && t.message == (item.ask ? "startAsk" : "startPing")) {
          found = &t;
          id = key;
        }
    if (!found) return item.business_key + " was accepted and has no Task";
    if (found->status != "completed") return fmt::format("the Task of {} is {}", item.business_key, found->status);
    const auto stored = view->current("Task", id);
    if (!stored || !*stored) return item.business_key + ": its Task can't be read";
    const auto task = json::parse(*(*stored)->bytes);
    if (!task) return item.business_key + ": its Task is no JSON";
    if (auto wrong = wrong_outputs(*task, item, n, sites); !wrong.empty()) return wrong;
  }
  if (at != sites_.end())
    for (const auto& [id, t] : at->second.tasks)
      if (rank(t.status) < 3) return fmt::format("Task/{} ({} of {}) is {}", id.to_string(), t.message, t.business_key, t.status);
  // No business key has had two instances of one process.
  std::set<std::string> keys;
  const auto instances = view->instances(0, all_rows);
  if (!instances) return "instances can't be listed";
  for (const auto& i : *instances) {
    actors::instance_host host(site.context, i.instance);
    if (auto loaded = host.load(); !loaded) return "an instance can't be loaded: " + loaded.error().to_string();
    if (!keys.insert(host.process_name() + " " + host.state().business_key).second)
      return "two instances of " + host.process_name() + " have had the business key " + host.state().business_key;
    if (host.state().status != bpmn::instance_status::completed)
      return "an instance of " + host.process_name() + " did not complete: " + host.state().end_reason;
  }
  if (engines_.contains(n))
    if (const auto rows = view->rows(table::meta, actors::undelivered_prefix, 1); !rows || !rows->empty())
      return "a Task's new version has not been delivered";
  for (const auto t : {table::timer, table::inbox, table::outbox, table::subscription, table::business_key})
    if (const auto rows = view->rows(t, {}, 1); !rows || !rows->empty())
      return fmt::format("a row is left in table {}", static_cast<char>(t));
  return {};
}

}  // namespace dsf::simulation
