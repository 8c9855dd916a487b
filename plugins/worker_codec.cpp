#include "plugins/worker_codec.hpp"

#include "plugins/errc.hpp"
#include "plugins/worker_codec_impl.hpp"
#include "storage/instances/parts_codec.hpp"
#include "storage/instances/value_codec.hpp"

namespace dsf::plugins {
namespace {

namespace pb = worker::v1;
using storage::instance_codec::put;
using storage::instance_codec::take;
using named_values = std::vector<std::pair<std::string, bpmn::value>>;

void put_named(const named_values& list, google::protobuf::RepeatedPtrField<pb::NamedValue>& out) {
  for (const auto& [name, value] : list) {
    auto* n = out.Add();
    n->set_name(name);
    put(value, *n->mutable_value());
  }
}
// Rows of the store are the site's own: a reference to one means nothing to a worker.
base::result<bpmn::value> take_value(dsf::pb::Value& in, const std::string& name) {
  bool ok = true;
  auto out = take(std::move(in), ok);
  if (!ok) return base::fail(errc::bad_answer, "a reference to a stored value in place of the value", name);
  return out;
}
base::result<named_values> take_named(google::protobuf::RepeatedPtrField<pb::NamedValue>& in) {
  named_values out;
  for (auto& n : in) {
    auto content = TRY(take_value(*n.mutable_value(), n.name()));
    out.emplace_back(std::move(*n.mutable_name()), std::move(content));
  }
  return out;
}

void put_task(const task_document& t, pb::TaskDocument& out) {
  out.set_id(t.id);
  out.set_version(t.version);
  if (t.content) out.set_content(t.content->dump());
}
base::result<task_document> take_task(const pb::TaskDocument& in) {
  task_document t{in.id(), in.version(), nullptr};
  if (!in.content().empty()) t.content = std::make_shared<const base::json>(TRY(base::json::parse(in.content())));
  return t;
}

void put_changes(const std::vector<bpmn::variable_change>& list, google::protobuf::RepeatedPtrField<pb::VariableChange>& out) {
  for (const auto& c : list) {
    auto* v = out.Add();
    v->set_scope(static_cast<pb::VariableScope>(c.where));
    v->set_name(c.name);
    put(c.new_value, *v->mutable_new_value());
    v->set_remove(c.remove);
  }
}
base::result<std::vector<bpmn::variable_change>> take_changes(google::protobuf::RepeatedPtrField<pb::VariableChange>& in) {
  std::vector<bpmn::variable_change> out;
  for (auto& v : in) {
    if (!pb::VariableScope_IsValid(v.scope())) return base::fail(errc::bad_answer, "a variable change of an unknown scope", v.name());
    auto content = TRY(take_value(*v.mutable_new_value(), v.name()));
    out.push_back({static_cast<bpmn::variable_change::scope>(v.scope()), std::move(*v.mutable_name()), std::move(content), v.remove()});
  }
  return out;
}

template <class In>
std::vector<bpmn::task_change> take_tasks(In& in) {
  std::vector<bpmn::task_change> out;
  for (auto& t : in) out.push_back(take(std::move(t)));
  return out;
}

void put_message(const bpmn::outgoing_message& m, dsf::pb::OutgoingMessage& out) {
  bpmn::open_message open;
  open.content = std::make_shared<const bpmn::outgoing_message>(m);
  dsf::pb::OpenMessage whole;
  put(open, whole);
  out.Swap(whole.mutable_content());
}
bpmn::outgoing_message take_message(dsf::pb::OutgoingMessage& in) {
  dsf::pb::OpenMessage whole;
  whole.mutable_content()->Swap(&in);
  return *take(std::move(whole)).content;
}

}  // namespace

void to_proto(const bpmn::value& v, dsf::pb::Value& out) { put(v, out); }
base::result<bpmn::value> from_proto(dsf::pb::Value&& in) { return take_value(in, "answer"); }

void to_proto(const activation& a, pb::Activation& out) {
  out.set_call(static_cast<pb::HandlerCall>(a.call));
  out.set_event(a.event);
  out.set_class_name(a.class_name);
  out.set_process_key(a.process_key);
  out.set_version_tag(a.version_tag);
  out.set_instance_id(a.instance_id);
  out.set_business_key(a.business_key);
  out.set_activity_id(a.activity_id);
  out.set_activity_instance_id(a.activity_instance_id);
  put_named(a.fields, *out.mutable_fields());
  put_named(a.variables, *out.mutable_variables());
  if (a.start_task) put_task(*a.start_task, *out.mutable_start_task());
  if (a.latest_task) put_task(*a.latest_task, *out.mutable_latest_task());
  for (const auto& t : a.current_tasks) put_task(t, *out.add_current_tasks());
  out.set_attempt(a.attempt);
  out.set_deadline_us(a.deadline.us);
  out.set_idempotency_key(a.idempotency_key);
}

std::string encode_activation(const activation& a) {
  pb::Activation out;
  to_proto(a, out);
  return out.SerializeAsString();
}

base::result<activation> decode_activation(std::string_view bytes) {
  pb::Activation in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !pb::HandlerCall_IsValid(in.call()))
    return base::fail(errc::bad_answer, "not an activation of this version");
  activation a;
  a.call = static_cast<bpmn::handler_call>(in.call());
  a.event = in.event();
  a.class_name = in.class_name();
  a.process_key = in.process_key();
  a.version_tag = in.version_tag();
  a.instance_id = in.instance_id();
  a.business_key = in.business_key();
  a.activity_id = in.activity_id();
  a.activity_instance_id = in.activity_instance_id();
  a.fields = TRY(take_named(*in.mutable_fields()));
  a.variables = TRY(take_named(*in.mutable_variables()));
  if (in.has_start_task()) a.start_task = TRY(take_task(in.start_task()));
  if (in.has_latest_task()) a.latest_task = TRY(take_task(in.latest_task()));
  for (const auto& t : in.current_tasks()) a.current_tasks.push_back(TRY(take_task(t)));
  a.attempt = in.attempt();
  a.deadline.us = in.deadline_us();
  a.idempotency_key = in.idempotency_key();
  return a;
}

std::string encode_outcome(const outcome& o) {
  pb::Outcome out;
  if (const auto* c = std::get_if<completed>(&o)) {
    auto& to = *out.mutable_completed();
    put_changes(c->variables, *to.mutable_variables());
    for (const auto& t : c->tasks) put(t, *to.add_tasks());
    for (const auto& m : c->messages) put_message(m, *to.add_messages());
  } else if (const auto* e = std::get_if<bpmn_error>(&o)) {
    auto& to = *out.mutable_bpmn_error();
    to.set_code(e->code);
    to.set_message(e->message);
    put_changes(e->variables, *to.mutable_variables());
    for (const auto& t : e->tasks) put(t, *to.add_tasks());
  } else if (const auto* f = std::get_if<failed>(&o)) {
    out.mutable_failed()->set_error(f->error);
    out.mutable_failed()->set_retryable(f->retryable);
  } else {
    out.mutable_end_instance()->set_reason(std::get<end_instance>(o).reason);
  }
  return out.SerializeAsString();
}

base::result<outcome> decode_outcome(std::string_view bytes) {
  pb::Outcome in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return base::fail(errc::bad_answer, "not an outcome of this version");
  return from_proto(std::move(in));
}

base::result<outcome> from_proto(pb::Outcome&& in) {
  switch (in.kind_case()) {
    case pb::Outcome::kCompleted: {
      auto& from = *in.mutable_completed();
      completed c;
      c.variables = TRY(take_changes(*from.mutable_variables()));
      c.tasks = take_tasks(*from.mutable_tasks());
      for (auto& m : *from.mutable_messages()) c.messages.push_back(take_message(m));
      return outcome{std::move(c)};
    }
    case pb::Outcome::kBpmnError: {
      auto& from = *in.mutable_bpmn_error();
      return outcome{
          bpmn_error{from.code(), from.message(), TRY(take_changes(*from.mutable_variables())), take_tasks(*from.mutable_tasks())}};
    }
    case pb::Outcome::kFailed: return outcome{failed{in.failed().error(), in.failed().retryable()}};
    case pb::Outcome::kEndInstance: return outcome{end_instance{in.end_instance().reason()}};
    case pb::Outcome::KIND_NOT_SET: break;
  }
  return base::fail(errc::bad_answer, "an outcome of no kind");
}

}  // namespace dsf::plugins
