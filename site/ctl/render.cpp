#include "site/ctl/render.hpp"

#include "site/ctl/output.hpp"

namespace dsf::site {

using base::json;

json to_json(const site_status& s) {
  return json::object{{"name", s.name},
                      {"organization", s.organization},
                      {"version", s.version},
                      {"roles", to_json(s.roles)},
                      {"ready", s.ready},
                      {"not_ready_because", s.not_ready_because},
                      {"read_only", s.read_only},
                      {"read_only_because", s.read_only_because},
                      {"started", json_time(s.started)},
                      {"pid", s.pid},
                      {"resident_bytes", s.resident_bytes},
                      {"running_instances", s.running_instances},
                      {"live_instances", s.live_instances},
                      {"incidents", s.incidents},
                      {"outbox", s.outbox},
                      {"store_sequence", s.store_sequence},
                      {"fhir_port", int(s.fhir_port)},
                      {"status_port", int(s.status_port)},
                      {"repository_port", int(s.repository_port)}};
}

json to_json(const instance_summary& i) {
  return json::object{{"id", i.id},
                      {"process", i.process},
                      {"business_key", i.business_key},
                      {"state", i.state},
                      {"started", json_time(i.started)},
                      {"ended", json_time(i.ended)},
                      {"activities", to_json(i.activities)},
                      {"incidents", std::uint64_t(i.incidents)},
                      {"reason", i.reason}};
}

json to_json(const instance_page& p) { return json::object{{"instances", to_json(p.instances)}, {"next", p.next}}; }

json to_json(const wait_point_line& w) {
  return json::object{{"kind", w.kind},          {"activity", w.activity},
                      {"detail", w.detail},      {"since", json_time(w.since)},
                      {"due", json_time(w.due)}, {"id", w.id}};
}

json to_json(const instance_detail& d) {
  json::array variables, tasks;
  for (const auto& v : d.variables)
    variables.push_back(json::object{{"name", v.name}, {"type", v.type}, {"text", v.text}, {"scope", v.scope}});
  for (const auto& t : d.tasks) {
    json line =
        json::object{{"reference", t.reference}, {"part", t.part}, {"status", t.status}, {"message", t.message}, {"partner", t.partner}};
    for (const auto& out : t.outputs) {
      if (!line.find("outputs")) line.set("outputs", json::array{});
      line.find("outputs")->push_back(json::object{{"system", out.system}, {"code", out.code}, {"text", out.text}});
    }
    tasks.push_back(std::move(line));
  }
  auto out = to_json(d.summary);
  out.set("waits", to_json(d.waits));
  out.set("variables", std::move(variables));
  out.set("tasks", std::move(tasks));
  out.set("events", d.events);
  return out;
}

json to_json(const incident_page& p) {
  json::array incidents;
  for (const auto& i : p.incidents)
    incidents.push_back(json::object{{"id", i.id},
                                     {"instance", i.instance},
                                     {"process", i.process},
                                     {"business_key", i.business_key},
                                     {"activity", i.activity},
                                     {"error", i.error},
                                     {"since", json_time(i.since)},
                                     {"attempts", std::uint64_t(i.attempts)}});
  return json::object{{"incidents", std::move(incidents)}, {"next", p.next}};
}

json to_json(const why_answer& a) {
  return json::object{{"instance", a.instance},
                      {"process", a.process},
                      {"state", a.state},
                      {"sentence", a.sentence},
                      {"waits", to_json(a.waits)},
                      {"next_timer", json_time(a.next_timer)},
                      {"last_delivery_error", a.last_delivery_error},
                      {"advice", a.advice}};
}

json to_json(const partner_status& p) {
  return json::object{{"organization", p.organization},
                      {"endpoint_url", p.endpoint_url},
                      {"active", p.active},
                      {"roles", to_json(p.roles)},
                      {"queued", p.queued},
                      {"sent", p.sent},
                      {"refused", p.refused},
                      {"retries", p.retries},
                      {"last_success", json_time(p.last_success)},
                      {"last_failure", json_time(p.last_failure)},
                      {"last_error", p.last_error},
                      {"next_attempt", json_time(p.next_attempt)}};
}

json to_json(const actor_status& a) {
  return json::object{{"name", a.name}, {"parent", a.parent}, {"mailbox", a.mailbox}, {"handled", a.handled}, {"restarts", a.restarts}};
}

json to_json(const deploy_result& d) {
  return json::object{{"plugin", d.plugin},
                      {"version", d.version},
                      {"processes", to_json(d.processes)},
                      {"resources", d.resources},
                      {"warnings", to_json(d.warnings)}};
}

json to_json(const import_progress& p) {
  return json::object{{"files_total", p.files_total}, {"files_done", p.files_done}, {"bytes_total", p.bytes_total},
                      {"bytes_done", p.bytes_done},   {"resources", p.resources},   {"patients", p.patients},
                      {"current", p.current},         {"finished", p.finished}};
}

json to_json(const site_event_line& e) {
  return json::object{{"kind", e.kind},
                      {"time", json_time(e.time)},
                      {"process", e.process},
                      {"instance", e.instance},
                      {"business_key", e.business_key},
                      {"activity", e.activity},
                      {"partner", e.partner},
                      {"text", e.text}};
}

}  // namespace dsf::site
