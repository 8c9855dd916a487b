#include "site/admin/convert_impl.hpp"

namespace dsf::site {
namespace {

template <class Repeated>
void texts_to(const std::vector<std::string>& from, Repeated* to) {
  to->Reserve(static_cast<int>(from.size()));
  for (const auto& s : from) *to->Add() = s;
}
template <class Repeated>
std::vector<std::string> texts_from(const Repeated& from) {
  return {from.begin(), from.end()};
}

}  // namespace

void to_proto(const site_status& from, pb::SiteStatus& to) {
  to.set_name(from.name);
  to.set_organization(from.organization);
  to.set_version(from.version);
  texts_to(from.roles, to.mutable_roles());
  to.set_ready(from.ready);
  to.set_not_ready_because(from.not_ready_because);
  to.set_read_only(from.read_only);
  to.set_read_only_because(from.read_only_because);
  to.set_started_us(from.started.us);
  to.set_pid(from.pid);
  to.set_resident_bytes(from.resident_bytes);
  to.set_running_instances(from.running_instances);
  to.set_live_instances(from.live_instances);
  to.set_incidents(from.incidents);
  to.set_outbox(from.outbox);
  to.set_store_sequence(from.store_sequence);
  to.set_fhir_port(from.fhir_port);
  to.set_status_port(from.status_port);
  to.set_repository_port(from.repository_port);
}

site_status from_proto(const pb::SiteStatus& from) {
  site_status to;
  to.name = from.name();
  to.organization = from.organization();
  to.version = from.version();
  to.roles = texts_from(from.roles());
  to.ready = from.ready();
  to.not_ready_because = from.not_ready_because();
  to.read_only = from.read_only();
  to.read_only_because = from.read_only_because();
  to.started.us = from.started_us();
  to.pid = from.pid();
  to.resident_bytes = from.resident_bytes();
  to.running_instances = from.running_instances();
  to.live_instances = from.live_instances();
  to.incidents = from.incidents();
  to.outbox = from.outbox();
  to.store_sequence = from.store_sequence();
  to.fhir_port = static_cast<std::uint16_t>(from.fhir_port());
  to.status_port = static_cast<std::uint16_t>(from.status_port());
  to.repository_port = static_cast<std::uint16_t>(from.repository_port());
  return to;
}

void to_proto(const instance_filter& from, pb::InstanceFilter& to) {
  to.set_process(from.process);
  to.set_business_key(from.business_key);
  to.set_state(from.state);
  to.set_after(from.after);
  to.set_limit(from.limit);
}

instance_filter from_proto(const pb::InstanceFilter& from) {
  return {from.process(), from.business_key(), from.state(), from.after(), from.limit()};
}

void to_proto(const instance_summary& from, pb::InstanceSummary& to) {
  to.set_id(from.id);
  to.set_process(from.process);
  to.set_business_key(from.business_key);
  to.set_state(from.state);
  to.set_started_us(from.started.us);
  to.set_ended_us(from.ended.us);
  texts_to(from.activities, to.mutable_activities());
  to.set_incidents(from.incidents);
  to.set_reason(from.reason);
}

instance_summary from_proto(const pb::InstanceSummary& from) {
  return {from.id(),           from.process(),    from.business_key(),           from.state(),
          {from.started_us()}, {from.ended_us()}, texts_from(from.activities()), from.incidents(),
          from.reason()};
}

void to_proto(const instance_page& from, pb::InstancePage& to) {
  for (const auto& i : from.instances) to_proto(i, *to.add_instances());
  to.set_next(from.next);
}

instance_page from_proto(const pb::InstancePage& from) {
  instance_page to;
  for (const auto& i : from.instances()) to.instances.push_back(from_proto(i));
  to.next = from.next();
  return to;
}

void to_proto(const wait_point_line& from, pb::WaitPoint& to) {
  to.set_kind(from.kind);
  to.set_activity(from.activity);
  to.set_detail(from.detail);
  to.set_since_us(from.since.us);
  to.set_due_us(from.due.us);
  to.set_id(from.id);
}

wait_point_line from_proto(const pb::WaitPoint& from) {
  return {from.kind(), from.activity(), from.detail(), {from.since_us()}, {from.due_us()}, from.id()};
}

void to_proto(const instance_detail& from, pb::InstanceDetail& to) {
  to_proto(from.summary, *to.mutable_summary());
  for (const auto& w : from.waits) to_proto(w, *to.add_waits());
  for (const auto& v : from.variables) {
    auto& line = *to.add_variables();
    line.set_name(v.name);
    line.set_type(v.type);
    line.set_text(v.text);
    line.set_scope(v.scope);
  }
  for (const auto& t : from.tasks) {
    auto& line = *to.add_tasks();
    line.set_reference(t.reference);
    line.set_part(t.part);
    line.set_status(t.status);
    line.set_message(t.message);
    line.set_partner(t.partner);
    for (const auto& o : t.outputs) {
      auto& output = *line.add_outputs();
      output.set_system(o.system);
      output.set_code(o.code);
      output.set_text(o.text);
    }
  }
  to.set_events(from.events);
}

instance_detail from_proto(const pb::InstanceDetail& from) {
  instance_detail to;
  to.summary = from_proto(from.summary());
  for (const auto& w : from.waits()) to.waits.push_back(from_proto(w));
  for (const auto& v : from.variables()) to.variables.push_back({v.name(), v.type(), v.text(), v.scope()});
  for (const auto& t : from.tasks()) {
    task_line line{t.reference(), t.part(), t.status(), t.message(), t.partner()};
    for (const auto& o : t.outputs()) line.outputs.push_back({o.system(), o.code(), o.text()});
    to.tasks.push_back(std::move(line));
  }
  to.events = from.events();
  return to;
}

void to_proto(const incident_filter& from, pb::IncidentFilter& to) {
  to.set_process(from.process);
  to.set_after(from.after);
  to.set_limit(from.limit);
}

incident_filter from_proto(const pb::IncidentFilter& from) { return {from.process(), from.after(), from.limit()}; }

void to_proto(const incident_page& from, pb::IncidentPage& to) {
  for (const auto& i : from.incidents) {
    auto& line = *to.add_incidents();
    line.set_id(i.id);
    line.set_instance(i.instance);
    line.set_process(i.process);
    line.set_business_key(i.business_key);
    line.set_activity(i.activity);
    line.set_error(i.error);
    line.set_since_us(i.since.us);
    line.set_attempts(i.attempts);
  }
  to.set_next(from.next);
}

incident_page from_proto(const pb::IncidentPage& from) {
  incident_page to;
  for (const auto& i : from.incidents())
    to.incidents.push_back({i.id(), i.instance(), i.process(), i.business_key(), i.activity(), i.error(), {i.since_us()}, i.attempts()});
  to.next = from.next();
  return to;
}

void to_proto(const std::vector<why_answer>& from, pb::WhyReply& to) {
  for (const auto& a : from) {
    auto& answer = *to.add_answers();
    answer.set_instance(a.instance);
    answer.set_process(a.process);
    answer.set_state(a.state);
    answer.set_sentence(a.sentence);
    for (const auto& w : a.waits) to_proto(w, *answer.add_waits());
    answer.set_next_timer_us(a.next_timer.us);
    answer.set_last_delivery_error(a.last_delivery_error);
    answer.set_advice(a.advice);
  }
}

std::vector<why_answer> from_proto(const pb::WhyReply& from) {
  std::vector<why_answer> to;
  for (const auto& a : from.answers()) {
    why_answer answer{a.instance(), a.process(), a.state(), a.sentence(), {}, {a.next_timer_us()}, a.last_delivery_error(), a.advice()};
    for (const auto& w : a.waits()) answer.waits.push_back(from_proto(w));
    to.push_back(std::move(answer));
  }
  return to;
}

void to_proto(const std::vector<partner_status>& from, pb::PartnerList& to) {
  for (const auto& p : from) {
    auto& line = *to.add_partners();
    line.set_organization(p.organization);
    line.set_endpoint_url(p.endpoint_url);
    line.set_queued(p.queued);
    line.set_sent(p.sent);
    line.set_refused(p.refused);
    line.set_retries(p.retries);
    line.set_last_success_us(p.last_success.us);
    line.set_last_failure_us(p.last_failure.us);
    line.set_last_error(p.last_error);
    line.set_next_attempt_us(p.next_attempt.us);
    texts_to(p.roles, line.mutable_roles());
    line.set_active(p.active);
  }
}

std::vector<partner_status> from_proto(const pb::PartnerList& from) {
  std::vector<partner_status> to;
  for (const auto& p : from.partners())
    to.push_back({p.organization(),
                  p.endpoint_url(),
                  p.queued(),
                  p.sent(),
                  p.refused(),
                  p.retries(),
                  {p.last_success_us()},
                  {p.last_failure_us()},
                  p.last_error(),
                  {p.next_attempt_us()},
                  texts_from(p.roles()),
                  p.active()});
  return to;
}

void to_proto(const start_request& from, pb::StartTaskRequest& to) {
  to.set_process(from.process);
  to.set_message(from.message);
  to.set_draft(from.draft);
  to.set_business_key(from.business_key);
  for (const auto& i : from.inputs) {
    auto& input = *to.add_inputs();
    input.set_system(i.system);
    input.set_code(i.code);
    input.set_type(i.type);
    input.set_value(i.value);
  }
}

start_request from_proto(const pb::StartTaskRequest& from) {
  start_request to{from.process(), from.message(), from.draft(), from.business_key(), {}};
  for (const auto& i : from.inputs()) to.inputs.push_back({i.system(), i.code(), i.type(), i.value()});
  return to;
}

void to_proto(const started_task& from, pb::StartedTask& to) {
  to.set_task(from.task);
  to.set_business_key(from.business_key);
}

started_task from_proto(const pb::StartedTask& from) { return {from.task(), from.business_key()}; }

void to_proto(const user_task_completion& from, pb::UserTaskCompletion& to) {
  to.set_id(from.id);
  for (const auto& [name, text] : from.variables) {
    auto& v = *to.add_variables();
    v.set_name(name);
    v.set_text(text);
  }
}

user_task_completion from_proto(const pb::UserTaskCompletion& from) {
  user_task_completion to{from.id(), {}};
  for (const auto& v : from.variables()) to.variables.emplace_back(v.name(), v.text());
  return to;
}

void to_proto(const import_progress& from, pb::ImportProgress& to) {
  to.set_files_total(from.files_total);
  to.set_files_done(from.files_done);
  to.set_bytes_total(from.bytes_total);
  to.set_bytes_done(from.bytes_done);
  to.set_resources(from.resources);
  to.set_patients(from.patients);
  to.set_current(from.current);
  to.set_finished(from.finished);
}

import_progress from_proto(const pb::ImportProgress& from) {
  return {from.files_total(), from.files_done(), from.bytes_total(), from.bytes_done(),
          from.resources(),   from.patients(),   from.current(),     from.finished()};
}

void to_proto(const std::vector<actor_status>& from, pb::ActorList& to) {
  for (const auto& a : from) {
    auto& line = *to.add_actors();
    line.set_name(a.name);
    line.set_parent(a.parent);
    line.set_mailbox(a.mailbox);
    line.set_handled(a.handled);
    line.set_restarts(a.restarts);
  }
}

std::vector<actor_status> from_proto(const pb::ActorList& from) {
  std::vector<actor_status> to;
  for (const auto& a : from.actors()) to.push_back({a.name(), a.parent(), a.mailbox(), a.handled(), a.restarts()});
  return to;
}

void to_proto(const site_event_line& from, pb::SiteEvent& to) {
  to.set_kind(from.kind);
  to.set_time_us(from.time.us);
  to.set_process(from.process);
  to.set_instance(from.instance);
  to.set_business_key(from.business_key);
  to.set_activity(from.activity);
  to.set_partner(from.partner);
  to.set_text(from.text);
}

site_event_line from_proto(const pb::SiteEvent& from) {
  return {from.kind(),         {from.time_us()}, from.process(), from.instance(),
          from.business_key(), from.activity(),  from.partner(), from.text()};
}

}  // namespace dsf::site
