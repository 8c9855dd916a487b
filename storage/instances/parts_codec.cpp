#include "storage/instances/parts_codec.hpp"

namespace dsf::storage::instance_codec {
namespace {
std::string grab(std::string* s) { return std::move(*s); }

// JSON texts of a message or Task: long ones are put aside.
void put_texts(const std::vector<std::string>& from, google::protobuf::RepeatedPtrField<std::string>& to,
               google::protobuf::RepeatedPtrField<pb::LargeText>& large, large_values* aside) {
  for (const auto& text : from) {
    if (aside == nullptr || text.size() <= large_value_limit) {
      *to.Add() = text;
      continue;
    }
    pb::Value v;
    v.set_text(text);
    auto* l = large.Add();
    l->set_position(static_cast<std::uint32_t>(to.size()));
    l->set_size(v.ByteSizeLong());
    l->set_sha256(aside->refer(v.SerializeAsString()));
    aside->note_text();
    to.Add();
  }
}

void take_texts(google::protobuf::RepeatedPtrField<std::string>& from, const google::protobuf::RepeatedPtrField<pb::LargeText>& large,
                std::vector<std::string>& to, taking* t) {
  for (auto& text : from) to.push_back(std::move(text));
  if (t == nullptr) return;  // whoever sends such a text to be taken whole has none
  for (const auto& l : large) {
    if (l.position() >= to.size()) {
      t->ok = false;
      return;
    }
    if (t->values == nullptr) {
      to[l.position()] = "\"(" + std::to_string(l.size()) + " bytes aside)\"";
      continue;
    }
    if (t->error) return;
    auto found = t->values->find(l.sha256(), l.size());
    if (!found) {
      t->error = std::move(found).error();
      return;
    }
    const auto* text = std::get_if<std::string>(&found->get().raw());
    if (text == nullptr) {
      t->ok = false;
      return;
    }
    to[l.position()] = *text;
  }
}
}  // namespace

void put(const bpmn::job& j, pb::Job& out) {
  out.set_id(j.id);
  out.set_kind(static_cast<std::uint32_t>(j.kind));
  out.set_status(static_cast<std::uint32_t>(j.status));
  out.set_execution(j.execution);
  out.set_node(put_index(j.node));
  out.set_call(static_cast<std::uint32_t>(j.call));
  out.set_listener(static_cast<std::uint32_t>(j.listener));
  out.set_listener_index(j.listener_index);
  out.set_flow(put_index(j.flow));
  out.set_detached(j.detached);
  out.set_reacts_to(j.reacts_to);
  out.set_attempt(j.attempt);
  out.set_retries_left(j.retries_left);
  out.set_due_us(j.due.us);
  out.set_since_us(j.since.us);
  out.set_exclusive(j.exclusive);
  out.set_repeats_left(j.repeats_left);
  out.set_period(j.period);
  out.set_error(j.error);
}

bpmn::job take(pb::Job&& in, bool& ok) {
  bpmn::job j;
  j.id = in.id();
  j.kind = take_enum(in.kind(), bpmn::job_kind::continuation, ok);
  j.status = take_enum(in.status(), bpmn::job_status::incident, ok);
  j.execution = in.execution();
  j.node = take_index(in.node());
  j.call = take_enum(in.call(), bpmn::handler_call::expression_delegate, ok);
  j.listener = take_enum(in.listener(), bpmn::listener_event::timeout, ok);
  j.listener_index = in.listener_index();
  j.flow = take_index(in.flow());
  j.detached = in.detached();
  j.reacts_to = in.reacts_to();
  j.attempt = in.attempt();
  j.retries_left = in.retries_left();
  j.due.us = in.due_us();
  j.since.us = in.since_us();
  j.exclusive = in.exclusive();
  j.repeats_left = in.repeats_left();
  j.period = grab(in.mutable_period());
  j.error = grab(in.mutable_error());
  return j;
}

void put(const bpmn::subscription& s, pb::Subscription& out) {
  out.set_id(s.id);
  out.set_kind(static_cast<std::uint32_t>(s.kind));
  out.set_execution(s.execution);
  out.set_node(put_index(s.node));
  out.set_name(s.name);
  out.set_correlation_key(s.correlation_key);
  out.set_has_correlation_key(s.has_correlation_key);
  out.set_since_us(s.since.us);
}

bpmn::subscription take(pb::Subscription&& in, bool& ok) {
  bpmn::subscription s;
  s.id = in.id();
  s.kind = take_enum(in.kind(), bpmn::subscription_kind::conditional, ok);
  s.execution = in.execution();
  s.node = take_index(in.node());
  s.name = grab(in.mutable_name());
  s.correlation_key = grab(in.mutable_correlation_key());
  s.has_correlation_key = in.has_correlation_key();
  s.since.us = in.since_us();
  return s;
}

void put(const bpmn::open_message& m, pb::OpenMessage& out, large_values* aside) {
  out.set_id(m.id);
  out.set_job(m.job);
  out.set_refused(m.refused);
  out.set_error(m.error);
  out.set_http_status(m.http_status);
  out.set_since_us(m.since.us);
  const bpmn::outgoing_message& from = *m.content;
  auto* content = out.mutable_content();
  put(from.to, *content->mutable_to());
  content->set_instantiates_canonical(from.instantiates_canonical);
  content->set_message_name(from.message_name);
  content->set_profile(from.profile);
  content->set_business_key(from.business_key);
  put_texts(from.additional_inputs, *content->mutable_additional_inputs(), *content->mutable_large_inputs(), aside);
  content->set_send_deadline(from.send_deadline);
  for (const auto& change : from.on_delivered) put(change, *content->add_on_delivered(), aside);
}

bpmn::open_message take(pb::OpenMessage&& in, taking* t) {
  bpmn::open_message m;
  m.id = in.id();
  m.job = in.job();
  m.refused = in.refused();
  m.error = grab(in.mutable_error());
  m.http_status = in.http_status();
  m.since.us = in.since_us();
  auto& from = *in.mutable_content();
  auto content = std::make_shared<bpmn::outgoing_message>();
  content->to = take(std::move(*from.mutable_to()));
  content->instantiates_canonical = grab(from.mutable_instantiates_canonical());
  content->message_name = grab(from.mutable_message_name());
  content->profile = grab(from.mutable_profile());
  content->business_key = grab(from.mutable_business_key());
  take_texts(*from.mutable_additional_inputs(), from.large_inputs(), content->additional_inputs, t);
  content->send_deadline = grab(from.mutable_send_deadline());
  for (auto& change : *from.mutable_on_delivered()) content->on_delivered.push_back(take(std::move(change), t));
  m.content = std::move(content);
  return m;
}

void put(const bpmn::user_task& t, pb::UserTask& out) {
  out.set_id(t.id);
  out.set_execution(t.execution);
  out.set_node(put_index(t.node));
  out.set_form_key(t.form_key);
  out.set_since_us(t.since.us);
}

bpmn::user_task take(pb::UserTask&& in) {
  return {in.id(), in.execution(), take_index(in.node()), grab(in.mutable_form_key()), {in.since_us()}};
}

void put(const bpmn::incident& i, pb::Incident& out) {
  out.set_id(i.id);
  out.set_execution(i.execution);
  out.set_node(put_index(i.node));
  out.set_error(i.error);
  out.set_since_us(i.since.us);
}

bpmn::incident take(pb::Incident&& in) {
  return {in.id(), in.execution(), take_index(in.node()), grab(in.mutable_error()), {in.since_us()}};
}

void put(const bpmn::task_change& c, pb::TaskChange& out, large_values* aside) {
  out.set_task_id(c.task_id);
  put_texts(c.add_outputs, *out.mutable_add_outputs(), *out.mutable_large_outputs(), aside);
  out.set_status(c.status);
  out.set_status_reason(c.status_reason);
  out.set_write_now(c.write_now);
}

bpmn::task_change take(pb::TaskChange&& in, taking* t) {
  bpmn::task_change c;
  c.task_id = grab(in.mutable_task_id());
  take_texts(*in.mutable_add_outputs(), in.large_outputs(), c.add_outputs, t);
  c.status = grab(in.mutable_status());
  c.status_reason = grab(in.mutable_status_reason());
  c.write_now = in.write_now();
  return c;
}

void put(const bpmn::loop_state& l, pb::Loop& out) {
  out.set_total(l.total);
  out.set_created(l.created);
  out.set_active(l.active);
  out.set_completed(l.completed);
}

bpmn::loop_state take(const pb::Loop& in) { return {in.total(), in.created(), in.active(), in.completed()}; }

void put(const bpmn::variable& v, pb::Variable& out, large_values& aside) {
  out.set_name(v.name);
  put_content(v.content.get(), *out.mutable_content(), aside);
}

bpmn::variable take(pb::Variable&& in, taking& t) { return {grab(in.mutable_name()), take_content(std::move(*in.mutable_content()), t)}; }

}  // namespace dsf::storage::instance_codec
