// What operators see of process instances: read from the store, so that it is the same for those in memory and those that sleep.
#include <algorithm>

#include "actors/task_document.hpp"
#include "base/bytes.hpp"
#include "bpmn/execution/advance.hpp"
#include "site/running/errc.hpp"
#include "site/running/parts.hpp"

namespace dsf::site {
namespace {

using base::fail;
using base::result;

constexpr std::size_t scan_limit = 200'000;  // instances looked at for one answer
constexpr std::size_t display_bytes = 400;   // of a variable

std::string_view state_text(const bpmn::instance_state& s) {
  if (s.status == bpmn::instance_status::completed) return "completed";
  if (s.status == bpmn::instance_status::failed) return "failed";
  return s.incidents.empty() ? "running" : "incident";
}

std::string node_id(const bpmn::definition& d, bpmn::node_index n) { return n == bpmn::no_node ? d.key : d.nodes[n].id; }

instance_summary summary_of(const actors::instance_host& h) {
  const auto& s = h.state();
  const auto& d = h.definition();
  instance_summary out;
  out.id = h.external_id();
  out.process = h.process_name();
  out.business_key = s.business_key;
  out.state = std::string(state_text(s));
  out.started = s.started;
  out.ended = s.ended;
  out.reason = s.end_reason;
  out.incidents = static_cast<std::uint32_t>(s.incidents.size());
  for (const auto& e : s.executions) {
    if (e.at == bpmn::phase::idle || e.node == bpmn::no_node) continue;
    auto id = node_id(d, e.node);
    if (std::ranges::find(out.activities, id) == out.activities.end()) out.activities.push_back(std::move(id));
  }
  return out;
}

bool matches(const instance_filter& f, const instance_summary& s) {
  if (!f.process.empty() && s.process != f.process && !s.process.starts_with(f.process + "|")) return false;
  if (!f.business_key.empty() && s.business_key != f.business_key) return false;
  if (!f.state.empty() && s.state != f.state && !(f.state == "running" && s.state == "incident")) return false;
  return true;
}

// The site that a waiting execution's target names; "" if it has none.
std::string expected_partner(const bpmn::instance_state& s, bpmn::local_id execution) {
  for (const auto& [name, value] : bpmn::visible_variables(s, execution))
    if (name == "target")
      if (const auto* t = value.as<bpmn::target>()) return t->organization_identifier;
  return {};
}

std::vector<wait_point_line> waits_of(const actors::instance_host& h, const storage::store& store) {
  std::vector<wait_point_line> out;
  const auto& s = h.state();
  for (auto& w : bpmn::waits_for(h.definition(), s)) {
    wait_point_line line{w.kind, w.activity_id, w.detail, w.since, w.due, {}};
    if (w.kind == "incident")
      for (const auto& i : s.incidents)
        if (node_id(h.definition(), i.node) == w.activity_id) line.id = store.external_id(h.id(), i.id);
    if (w.kind == "user task")
      for (const auto& t : s.user_tasks)
        if (node_id(h.definition(), t.node) == w.activity_id) line.id = store.external_id(h.id(), t.id);
    out.push_back(std::move(line));
  }
  return out;
}

// Task.output by its first coding.
std::vector<task_output> outputs_of(const base::json& task) {
  std::vector<task_output> out;
  for (const auto& o : task["output"]) {
    const auto& coding = o["type"]["coding"][std::size_t{0}];
    const auto* members = o.if_object();
    if (!members) continue;
    for (const auto& [name, value] : *members)
      if (name.starts_with("value"))
        out.push_back({coding["system"].str(), coding["code"].str(), value.is_string() ? value.str() : value.dump()});
  }
  return out;
}

}  // namespace

result<actors::instance_host> running_site::parts::load(std::uint64_t instance) const {
  actors::instance_host h{context, instance};
  TRY(h.load());
  return h;
}

result<std::vector<std::uint64_t>> running_site::parts::find(const std::string& what) const {
  if (const auto id = store->internal_id_of(what); id && TRY(store->view()->instance(id->instance))) return std::vector{id->instance};
  std::vector<std::uint64_t> out;
  const auto view = store->view();
  for (const auto& p : definitions.all()) {
    const auto key = storage::keys::business_key(0, p->definition->key + "|" + p->definition->version_tag, what);
    if (const auto row = TRY(view->row_value(storage::table::business_key, key)))
      out.push_back(base::byte_reader{std::string_view(*row).substr(1)}.u64());
  }
  if (!out.empty()) return out;
  // Ended instances are found by looking at all of them, the newest first to be shown.
  std::uint64_t from = 0;
  for (std::size_t seen = 0; seen < scan_limit;) {
    const auto page = TRY(view->instances(from, 1'000));
    for (const auto& i : page) {
      from = i.instance + 1;
      if (i.is_live()) continue;
      const auto h = load(i.instance);
      if (h && h->state().business_key == what) out.push_back(i.instance);
    }
    seen += page.size();
    if (page.size() < 1'000) break;
  }
  if (out.empty()) return fail(running_errc::no_such_instance, "no process instance has this id or business key", what);
  std::ranges::reverse(out);
  return out;
}

result<instance_page> running_site::list_instances(const instance_filter& filter) {
  const auto& p = *parts_;
  instance_page out;
  const auto limit = std::clamp<std::uint32_t>(filter.limit, 1, 1'000);
  if (!filter.business_key.empty()) {
    const auto found = p.find(filter.business_key);
    if (!found) return found.error().kind() == base::error_kind::not_found ? result<instance_page>{out} : base::failure(found.error());
    for (const auto id : *found)
      if (auto s = summary_of(TRY(p.load(id))); matches(filter, s)) out.instances.push_back(std::move(s));
    return out;
  }
  std::uint64_t from = 0;
  if (!filter.after.empty()) from = TRY(p.store->internal_id_of(filter.after)).instance + 1;
  const auto view = p.store->view();
  for (std::size_t seen = 0; seen < scan_limit;) {
    const auto page = TRY(view->instances(from, 256));
    for (const auto& i : page) {
      from = i.instance + 1;
      if (filter.state == "running" && !i.is_live()) continue;
      const auto h = p.load(i.instance);
      if (!h) continue;
      auto s = summary_of(*h);
      if (!matches(filter, s)) continue;
      out.instances.push_back(std::move(s));
      if (out.instances.size() == limit) {
        out.next = out.instances.back().id;
        return out;
      }
    }
    seen += page.size();
    if (page.size() < 256) break;
  }
  return out;
}

result<instance_detail> running_site::show_instance(const std::string& id_or_business_key) {
  const auto& p = *parts_;
  const auto found = TRY(p.find(id_or_business_key));
  const auto h = TRY(p.load(found.front()));
  const auto& s = h.state();
  instance_detail out;
  out.summary = summary_of(h);
  out.waits = waits_of(h, *p.store);
  out.events = s.events;
  // An instance that ended shows what it knew last.
  actors::instance_host living{p.context, found.front()};
  TRY(living.load(true));
  for (const auto& e : living.state().executions)
    for (const auto& v : e.variables)
      out.variables.push_back(
          {v.name, std::string(bpmn::type_name(v.content.get())), bpmn::to_display(v.content.get(), display_bytes).dump(),
           e.parent == 0 ? std::string{} : node_id(h.definition(), e.scope_node != bpmn::no_node ? e.scope_node : e.node)});
  const auto add_task = [&](const bpmn::task_record& r, std::string part) -> result<> {
    task_line line{"Task/" + r.task.reference.id, std::move(part), {}, {}, {}};
    const auto id = TRY(base::uuid::parse(r.task.reference.id));
    if (const auto stored = TRY(p.store->view()->current("Task", id)); stored && !stored->deleted) {
      const auto task = TRY(base::json::parse(*stored->bytes));
      const auto facts = actors::facts_of(task);
      if (line.part == "start") line.outputs = outputs_of(task);
      line.status = facts.status;
      line.message = facts.message_name;
      line.partner = facts.requester;
    }
    out.tasks.push_back(std::move(line));
    return {};
  };
  const auto& last = living.state();
  if (last.start_task) TRY(add_task(*last.start_task, "start"));
  for (const auto& list : last.received_tasks)
    for (const auto& t : list.tasks) TRY(add_task(t, "received"));
  for (const auto& m : s.messages)
    out.tasks.push_back({"", "sent", m.refused ? "refused" : "on its way", m.content->message_name, m.content->to.organization_identifier});
  return out;
}

result<incident_page> running_site::list_incidents(const incident_filter& filter) {
  const auto& p = *parts_;
  incident_page out;
  const auto view = p.store->view();
  const auto prefix = storage::keys::subscription_prefix(0, 'i', "incident", {});
  std::string from;
  if (!filter.after.empty()) {
    const auto id = TRY(p.store->internal_id_of(filter.after));
    std::string tail;
    base::put_u32(tail, id.activity);
    from = storage::keys::subscription(0, 'i', "incident", {}, id.instance, tail) + '\0';
  }
  const auto limit = std::clamp<std::uint32_t>(filter.limit, 1, 1'000);
  const auto rows = TRY(view->rows(storage::table::subscription, prefix, limit + 1, from));
  for (const auto& row : rows) {
    if (out.incidents.size() == limit) {
      out.next = out.incidents.back().id;
      break;
    }
    if (row.key.size() < 12) continue;
    base::byte_reader r{std::string_view(row.key).substr(row.key.size() - 12)};
    const auto instance = r.u64();
    const auto job = r.u32();
    const auto h = TRY(p.load(instance));
    const auto* i = h.state().incidents.find(job);
    if (!i || (!filter.process.empty() && h.process_name() != filter.process && !h.process_name().starts_with(filter.process + "|")))
      continue;
    const auto* j = h.state().jobs.find(job);
    out.incidents.push_back({p.store->external_id(instance, job), h.external_id(), h.process_name(), h.state().business_key,
                             node_id(h.definition(), i->node), i->error, i->since, j ? j->attempt : 0});
  }
  return out;
}

result<std::vector<why_answer>> running_site::why(const std::string& business_key) {
  const auto& p = *parts_;
  std::vector<why_answer> out;
  const auto now = base::system_clock_source().now();
  const auto ago = [&](base::timestamp t) { return base::to_iso(t, 0) + " (" + std::to_string((now.us - t.us) / base::us_per_s) + " s)"; };
  for (const auto id : TRY(p.find(business_key))) {
    const auto h = TRY(p.load(id));
    const auto& s = h.state();
    why_answer a;
    a.instance = h.external_id();
    a.process = h.process_name();
    a.state = std::string(state_text(s));
    a.waits = waits_of(h, *p.store);
    const auto name = a.process + " " + a.instance;
    if (s.status == bpmn::instance_status::completed)
      a.sentence = name + " ended at " + base::to_iso(s.ended, 0) + ": it waits for nothing.";
    else if (s.status == bpmn::instance_status::failed) {
      a.sentence = name + " failed at " + base::to_iso(s.ended, 0) + ": " + s.end_reason;
      a.advice = "Start it again once the cause is mended.";
    } else {
      std::string parts;
      for (const auto& w : a.waits) {
        if (w.due.us > 0 && (a.next_timer.us == 0 || w.due < a.next_timer)) a.next_timer = w.due;
        if (!parts.empty()) parts += "; ";
        parts += "at " + w.activity + " for " + w.kind + (w.detail.empty() ? "" : " " + w.detail);
        if (w.kind == "message")
          for (const auto& sub : s.subscriptions)
            if (node_id(h.definition(), sub.node) == w.activity)
              if (const auto partner = expected_partner(s, sub.execution); !partner.empty()) {
                parts += " from " + partner;
                break;
              }
        if (w.kind == "delivery")
          for (const auto& m : s.messages) {
            parts += " to " + m.content->to.organization_identifier;
            for (const auto& line : p.engine->partners())
              if (line.endpoint_url == m.content->to.endpoint_url && !line.last_error.empty()) a.last_delivery_error = line.last_error;
            break;
          }
        parts += " since " + ago(w.since);
        if (w.due.us > 0) parts += ", until " + base::to_iso(w.due, 0);
      }
      a.sentence = name + (parts.empty() ? " is at work." : " waits " + parts + ".");
      const auto conflicts = p.engine->conflicts_of(a.instance);
      if (conflicts > 0)
        a.sentence += " Its next commit has met " + std::to_string(conflicts) +
                      " conflicts in a row, because somebody else writes its Task at the same time; it is tried again by itself.";
      const auto has = [&](std::string_view kind) { return std::ranges::any_of(a.waits, [&](const auto& w) { return w.kind == kind; }); };
      if (has("incident"))
        a.advice = "Mend the cause, then: dsfctl incidents retry ID, or dsfctl incidents cancel ID.";
      else if (!a.last_delivery_error.empty())
        a.advice = "See dsfctl partners; the message is sent again by itself until its deadline.";
      else if (has("user task"))
        a.advice = "Complete the user task.";
      else if (conflicts > 0)
        a.advice =
            "Find out who writes the Task again and again: its versions are in its _history, with the writers in the endpoint's log.";
      else if (has("message"))
        a.advice = a.next_timer.us > 0 ? "Nothing: it goes on when the message comes, or by its timer."
                                       : "Ask the other site with dsfctl why and the same business key.";
    }
    out.push_back(std::move(a));
  }
  return out;
}

}  // namespace dsf::site
