// Commands that show or change process instances of a running site.
#include <fmt/format.h>

#include <ostream>

#include "site/ctl/commands.hpp"
#include "site/ctl/render.hpp"
#include "site/ctl/text_table.hpp"

namespace dsf::site::ctl {
namespace {

std::string joined(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ", ")); }

void print_waits(ctl_output& o, const std::vector<wait_point_line>& waits) {
  text_table t({"WAITS FOR", "AT", "DETAIL", "SINCE", "DUE", "ID"});
  for (const auto& w : waits)
    t.add({w.kind, w.activity, w.detail, relative_time(w.since, o.clock.now()), relative_time(w.due, o.clock.now()), w.id});
  if (!t.empty()) o.out << "\n" << t.str(o.width);
}

result<> say(ctl_output& o, base::json::object fields, const std::string& sentence) {
  if (o.json) {
    o.out << base::json(std::move(fields)).dump() << "\n";
  } else {
    o.out << sentence << "\n";
  }
  return {};
}

}  // namespace

result<> status(ctl_output& o, admin_calls& site) {
  const auto s = TRY(site.status());
  if (o.json) {
    o.out << to_json(s).dump() << "\n";
    return {};
  }
  const auto port = [](std::uint16_t p) { return p ? std::to_string(p) : std::string("-"); };
  o.out << fmt::format("{} ({}), dsfd {}, roles {}, pid {}, started {}\n", s.name, s.organization, s.version, joined(s.roles), s.pid,
                       relative_time(s.started, o.clock.now()));
  o.out << (s.ready ? "ready: the engine receives\n" : fmt::format("not ready: {}\n", s.not_ready_because));
  if (s.read_only) o.out << fmt::format("the store is read-only: {}\n", s.read_only_because);
  o.out << fmt::format("instances {} running, {} in memory; incidents {}; messages to send {}; commits {}; memory {}\n",
                       s.running_instances, s.live_instances, s.incidents, s.outbox, s.store_sequence, human_bytes(s.resident_bytes));
  o.out << fmt::format("ports: FHIR {}, status {}, repository {}\n", port(s.fhir_port), port(s.status_port), port(s.repository_port));
  return {};
}

result<> instances(ctl_output& o, admin_calls& site, instance_filter filter, bool all) {
  instance_page page;
  do {
    auto part = TRY(site.list_instances(filter));
    page.next = part.next;
    filter.after = part.next;
    page.instances.insert(page.instances.end(), std::make_move_iterator(part.instances.begin()),
                          std::make_move_iterator(part.instances.end()));
  } while (all && !page.next.empty());
  if (o.json) {
    o.out << to_json(page).dump() << "\n";
    return {};
  }
  text_table t({"INSTANCE", "PROCESS", "BUSINESS KEY", "STATE", "STARTED", "ENDED", "AT"});
  for (const auto& i : page.instances)
    t.add({i.id, i.process, i.business_key,
           i.incidents ? fmt::format("{}, {} incident{}", i.state, i.incidents, i.incidents == 1 ? "" : "s") : i.state,
           relative_time(i.started, o.clock.now()), relative_time(i.ended, o.clock.now()),
           i.reason.empty() ? joined(i.activities) : i.reason});
  if (t.empty()) {
    o.err << "no such instances\n";
    return {};
  }
  o.out << t.str(o.width);
  if (!page.next.empty()) o.err << fmt::format("there are more; --after {} shows the next page, --all shows all\n", page.next);
  return {};
}

result<> instance_show(ctl_output& o, admin_calls& site, const std::string& id) {
  const auto d = TRY(site.show_instance(id));
  if (o.json) {
    o.out << to_json(d).dump() << "\n";
    return {};
  }
  const auto& s = d.summary;
  o.out << fmt::format("instance      {}\nprocess       {}\nbusiness key  {}\nstate         {}\nstarted       {}\n", s.id, s.process,
                       s.business_key, s.state, relative_time(s.started, o.clock.now()));
  if (s.ended.us) o.out << fmt::format("ended         {}\n", relative_time(s.ended, o.clock.now()));
  if (!s.reason.empty()) o.out << fmt::format("reason        {}\n", s.reason);
  if (!s.activities.empty()) o.out << fmt::format("at            {}\n", joined(s.activities));
  o.out << fmt::format("events        {}\n", d.events);
  print_waits(o, d.waits);
  text_table tasks({"TASK", "PART", "STATUS", "MESSAGE", "PARTNER"});
  for (const auto& t : d.tasks) tasks.add({t.reference, t.part, t.status, t.message, t.partner});
  if (!tasks.empty()) o.out << "\n" << tasks.str(o.width);
  text_table variables({"VARIABLE", "TYPE", "SCOPE", "VALUE"});
  for (const auto& v : d.variables) variables.add({v.name, v.type, v.scope, v.text});
  if (!variables.empty()) o.out << "\n" << variables.str(o.width);
  return {};
}

result<> instance_cancel(ctl_output& o, admin_calls& site, const std::string& id, const std::string& reason) {
  TRY(site.cancel_instance(id, reason));
  return say(o, {{"cancelled", id}}, fmt::format("instance {} is cancelled; its Task fails with the reason given", id));
}

result<> incidents(ctl_output& o, admin_calls& site, incident_filter filter) {
  const auto page = TRY(site.list_incidents(filter));
  if (o.json) {
    o.out << to_json(page).dump() << "\n";
    return {};
  }
  text_table t({"INCIDENT", "PROCESS", "BUSINESS KEY", "AT", "SINCE", "TRIES", "ERROR"});
  t.align_right(5);
  for (const auto& i : page.incidents)
    t.add({i.id, i.process, i.business_key, i.activity, relative_time(i.since, o.clock.now()), std::to_string(i.attempts), i.error});
  if (t.empty()) {
    o.err << "no incidents\n";
    return {};
  }
  o.out << t.str(o.width);
  if (!page.next.empty()) o.err << fmt::format("there are more; --after {} shows the next page\n", page.next);
  return {};
}

result<> incident_retry(ctl_output& o, admin_calls& site, const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    TRY(site.retry_incident(id));
    TRY(say(o, {{"retried", id}}, fmt::format("incident {} is tried again", id)));
  }
  return {};
}

result<> incident_cancel(ctl_output& o, admin_calls& site, const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    TRY(site.cancel_incident(id));
    TRY(say(o, {{"cancelled", id}}, fmt::format("incident {} is cancelled; its instance ends and its Task fails", id)));
  }
  return {};
}

result<> why(ctl_output& o, admin_calls& site, const std::string& business_key) {
  const auto answers = TRY(site.why(business_key));
  if (o.json) {
    o.out << to_json(answers).dump() << "\n";
    return {};
  }
  for (const auto& a : answers) {
    o.out << fmt::format("{} ({}): {}\n", a.process, a.instance, a.sentence);
    if (a.next_timer.us) o.out << fmt::format("  next timer: {}\n", relative_time(a.next_timer, o.clock.now()));
    if (!a.last_delivery_error.empty()) o.out << fmt::format("  last delivery error: {}\n", a.last_delivery_error);
    if (!a.advice.empty()) o.out << fmt::format("  what to do: {}\n", a.advice);
  }
  return {};
}

result<> partners(ctl_output& o, admin_calls& site) {
  const auto list = TRY(site.partners());
  if (o.json) {
    o.out << to_json(list).dump() << "\n";
    return {};
  }
  text_table t({"ORGANIZATION", "ENDPOINT", "ROLES", "STATE", "QUEUED", "SENT", "REFUSED", "RETRIES", "LAST SUCCESS", "LAST ERROR"});
  for (std::size_t i = 4; i < 8; ++i) t.align_right(i);
  for (const auto& p : list) {
    std::string state = p.active ? "ok" : "not on the allow-list";
    if (p.active && p.next_attempt.us) state = "next try " + relative_time(p.next_attempt, o.clock.now());
    const bool failing = p.last_failure > p.last_success;
    t.add({p.organization, p.endpoint_url, joined(p.roles), state, std::to_string(p.queued), std::to_string(p.sent),
           std::to_string(p.refused), std::to_string(p.retries), relative_time(p.last_success, o.clock.now()),
           failing ? p.last_error : ""});
  }
  if (t.empty()) {
    o.err << "no partners: the allow-list is empty\n";
    return {};
  }
  o.out << t.str(o.width);
  return {};
}

result<> task_complete(ctl_output& o, admin_calls& site, const user_task_completion& completion) {
  TRY(site.complete_user_task(completion));
  return say(o, {{"completed", completion.id}}, fmt::format("user task {} is completed", completion.id));
}

result<> task_start(ctl_output& o, admin_calls& site, const start_request& request) {
  const auto started = TRY(site.start_task(request));
  return say(o, {{"task", started.task}, {"business_key", started.business_key}},
             fmt::format("{} started, business key {}; `dsfctl why {}` tells what it waits for", started.task, started.business_key,
                         started.business_key));
}

result<> handler_hold(ctl_output& o, admin_calls& site, const std::string& class_name, bool hold) {
  TRY(site.hold_handler(class_name, hold));
  return say(o, {{hold ? "held" : "released", class_name}},
             hold ? fmt::format("handlers of {} are held: they run, but their outcome waits until `dsfctl handler release`", class_name)
                  : fmt::format("handlers of {} are released", class_name));
}

result<> shutdown(ctl_output& o, admin_calls& site, const std::string& reason) {
  TRY(site.shutdown(reason));
  return say(o, {{"stopping", true}}, "dsfd stops");
}

}  // namespace dsf::site::ctl
