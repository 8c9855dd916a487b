#include "storage/instances/instance_codec.hpp"

#include "storage/errors.hpp"
#include "storage/instances/event_codec.hpp"

namespace dsf::storage {
namespace {

namespace codec = instance_codec;

std::string grab(std::string* s) { return std::move(*s); }

template <class Message>
std::string pack(const Message& m, char format) {
  std::string out(1, format);
  m.AppendToString(&out);
  return out;
}

// Of what has been put aside since `references` and `texts` were counted.
char format_of(const large_values& aside, std::size_t references, std::size_t texts) {
  if (aside.texts() != texts) return text_referring_instance_format;
  return aside.references() != references ? referring_instance_format : plain_instance_format;
}

base::failure damaged(std::string_view what) {
  return base::fail(errc::damaged, "the stored " + std::string(what) +
                                       " does not check out: its bytes are not what this program or an older one has written");
}

template <class Message>
base::result<> unpack(std::string_view bytes, Message& m, std::string_view what) {
  if (bytes.empty()) return damaged(what);
  if (bytes.front() < plain_instance_format || bytes.front() > text_referring_instance_format)
    return base::fail(errc::newer_format, "the stored " + std::string(what) + " has format " +
                                              std::to_string(static_cast<unsigned char>(bytes.front())) + ", this program knows up to " +
                                              std::to_string(int(text_referring_instance_format)) +
                                              "; use the release that wrote it, or a newer one");
  if (!codec::parse(bytes.substr(1), m)) return damaged(what);
  return {};
}

void put(const bpmn::execution& e, pb::Execution& out, large_values& aside) {
  out.set_id(e.id);
  out.set_parent(e.parent);
  out.set_scope(e.scope);
  out.set_concurrent(e.concurrent);
  out.set_body(e.body);
  out.set_phase(static_cast<std::uint32_t>(e.at));
  out.set_index(e.index);
  out.set_scope_node(codec::put_index(e.scope_node));
  out.set_node(codec::put_index(e.node));
  out.set_flow(codec::put_index(e.flow));
  out.set_activity_instance(e.activity_instance);
  out.set_scope_instance(e.scope_instance);
  if (e.loop) codec::put(*e.loop, *out.mutable_loop());
  for (const auto child : e.children) out.add_children(child);
  for (const auto wait : e.waits) out.add_waits(wait);
  for (const auto& v : e.variables) codec::put(v, *out.add_variables(), aside);
}

bpmn::execution take(pb::Execution&& in, codec::taking& t) {
  bpmn::execution e;
  e.id = in.id();
  e.parent = in.parent();
  e.scope = in.scope();
  e.concurrent = in.concurrent();
  e.body = in.body();
  e.at = codec::take_enum(in.phase(), bpmn::phase::complete, t.ok);
  e.index = in.index();
  e.scope_node = codec::take_index(in.scope_node());
  e.node = codec::take_index(in.node());
  e.flow = codec::take_index(in.flow());
  e.activity_instance = in.activity_instance();
  e.scope_instance = in.scope_instance();
  if (in.has_loop()) e.loop = codec::take(in.loop());
  e.children.assign(in.children().begin(), in.children().end());
  e.waits.assign(in.waits().begin(), in.waits().end());
  for (auto& v : *in.mutable_variables()) e.variables.push_back(codec::take(std::move(v), t));
  return e;
}

void put(const bpmn::task_record& t, pb::TaskRecord& out, large_values& aside) {
  codec::put(t.task.reference, *out.mutable_task());
  for (const auto& c : t.pending) codec::put(c, *out.add_pending(), &aside);
}

bpmn::task_record take(pb::TaskRecord&& in, codec::taking& taking) {
  bpmn::task_record t{bpmn::received_task{codec::take(std::move(*in.mutable_task()))}, {}};
  for (auto& c : *in.mutable_pending()) t.pending.push_back(codec::take(std::move(c), &taking));
  return t;
}

}  // namespace

base::result<std::string> encode_batch(const bpmn::event_batch& batch, large_values& aside) {
  const auto before = aside.references(), texts = aside.texts();
  pb::EventBatch m;
  m.set_first_number(batch.first_number);
  m.set_time_us(batch.time.us);
  m.set_cause(batch.cause);
  m.set_definition_sha256(batch.definition_sha256);
  m.set_applier_version(batch.applier_version);
  m.mutable_events()->Reserve(static_cast<int>(batch.events.size()));
  for (const auto& e : batch.events) codec::put(e, *m.add_events(), aside);
  TRY(aside.status());
  return pack(m, format_of(aside, before, texts));
}

namespace {

base::result<bpmn::event_batch> take_batch(std::string_view bytes, large_value_reader* values) {
  pb::EventBatch m;
  TRY(unpack(bytes, m, "batch of events"));
  bpmn::event_batch batch;
  batch.first_number = m.first_number();
  batch.time.us = m.time_us();
  batch.cause = grab(m.mutable_cause());
  batch.definition_sha256 = grab(m.mutable_definition_sha256());
  batch.applier_version = m.applier_version();
  if (batch.applier_version > bpmn::current_applier_version)
    return base::fail(errc::newer_format, "the events need applier version " + std::to_string(batch.applier_version) +
                                              ", this program has up to " + std::to_string(bpmn::current_applier_version) +
                                              "; use the release that wrote them, or a newer one");
  codec::taking t{values};
  batch.events.reserve(static_cast<std::size_t>(m.events_size()));
  for (auto& e : *m.mutable_events()) batch.events.push_back(codec::take(std::move(e), t));
  if (t.error) return base::failure(*std::move(t.error));
  if (!t.ok) return damaged("batch of events");
  return batch;
}

}  // namespace

base::result<bpmn::event_batch> decode_batch(std::string_view bytes, large_value_reader& values) { return take_batch(bytes, &values); }

base::result<bpmn::event_batch> decode_batch_outline(std::string_view bytes) { return take_batch(bytes, nullptr); }

base::result<std::string> encode_state(const bpmn::instance_state& s, large_values& aside) {
  const auto before = aside.references(), texts = aside.texts();
  pb::InstanceState m;
  m.set_status(static_cast<std::uint32_t>(s.status));
  m.set_events(s.events);
  m.set_next_id(s.next_id);
  m.set_definition_sha256(s.definition_sha256);
  m.set_process_instance_id(s.process_instance_id);
  m.set_business_key(s.business_key);
  m.set_start_event(codec::put_index(s.start_event));
  m.set_message_name(s.message_name);
  m.set_started_us(s.started.us);
  m.set_ended_us(s.ended.us);
  m.set_end_reason(s.end_reason);
  for (const auto& x : s.executions) put(x, *m.add_executions(), aside);
  for (const auto& x : s.jobs) codec::put(x, *m.add_jobs());
  for (const auto& x : s.subscriptions) codec::put(x, *m.add_subscriptions());
  for (const auto& x : s.messages) codec::put(x, *m.add_messages(), &aside);
  for (const auto& x : s.user_tasks) codec::put(x, *m.add_user_tasks());
  for (const auto& x : s.incidents) codec::put(x, *m.add_incidents());
  if (s.start_task) put(*s.start_task, *m.mutable_start_task(), aside);
  for (const auto& list : s.received_tasks) {
    auto* out = m.add_received_tasks();
    out->set_id(list.id);
    for (const auto& t : list.tasks) put(t, *out->add_tasks(), aside);
  }
  TRY(aside.status());
  return pack(m, format_of(aside, before, texts));
}

base::result<bpmn::instance_state> decode_state(std::string_view bytes, large_value_reader& values) {
  pb::InstanceState m;
  TRY(unpack(bytes, m, "snapshot of an instance"));
  codec::taking taking{&values};
  bool& ok = taking.ok;
  bpmn::instance_state s;
  s.status = codec::take_enum(m.status(), bpmn::instance_status::failed, ok);
  s.events = m.events();
  s.next_id = m.next_id();
  s.definition_sha256 = grab(m.mutable_definition_sha256());
  s.process_instance_id = grab(m.mutable_process_instance_id());
  s.business_key = grab(m.mutable_business_key());
  s.start_event = codec::take_index(m.start_event());
  s.message_name = grab(m.mutable_message_name());
  s.started.us = m.started_us();
  s.ended.us = m.ended_us();
  s.end_reason = grab(m.mutable_end_reason());
  for (auto& x : *m.mutable_executions()) ok = s.executions.insert(take(std::move(x), taking)) && ok;
  for (auto& x : *m.mutable_jobs()) ok = s.jobs.insert(codec::take(std::move(x), ok)) && ok;
  for (auto& x : *m.mutable_subscriptions()) ok = s.subscriptions.insert(codec::take(std::move(x), ok)) && ok;
  for (auto& x : *m.mutable_messages()) ok = s.messages.insert(codec::take(std::move(x), &taking)) && ok;
  for (auto& x : *m.mutable_user_tasks()) ok = s.user_tasks.insert(codec::take(std::move(x))) && ok;
  for (auto& x : *m.mutable_incidents()) ok = s.incidents.insert(codec::take(std::move(x))) && ok;
  if (m.has_start_task()) s.start_task = take(std::move(*m.mutable_start_task()), taking);
  for (auto& x : *m.mutable_received_tasks()) {
    bpmn::task_list list{x.id(), {}};
    for (auto& t : *x.mutable_tasks()) list.tasks.push_back(take(std::move(t), taking));
    ok = s.received_tasks.insert(std::move(list)) && ok;
  }
  if (taking.error) return base::failure(*std::move(taking.error));
  if (!ok) return damaged("snapshot of an instance");
  return s;
}

std::string encode_value(const bpmn::value& v) {
  pb::Value m;
  codec::put(v, m);
  return pack(m, plain_instance_format);
}

base::result<bpmn::value> decode_value(std::string_view bytes) {
  pb::Value m;
  TRY(unpack(bytes, m, "value"));
  bool ok = true;
  auto v = codec::take(std::move(m), ok);
  if (!ok) return damaged("value");
  return v;
}

}  // namespace dsf::storage
