#include "storage/instances/event_codec.hpp"

namespace dsf::storage::instance_codec {
namespace {

namespace ev = bpmn::events;

std::string grab(std::string* s) { return std::move(*s); }

struct putter {
  pb::Event& out;
  large_values& aside;

  void operator()(const ev::instance_started& e) {
    auto* m = out.mutable_instance_started();
    m->set_definition_sha256(e.definition_sha256);
    m->set_process_instance_id(e.process_instance_id);
    m->set_business_key(e.business_key);
    m->set_start_event(put_index(e.start_event));
    m->set_message_name(e.message_name);
    if (e.task) put(e.task->reference, *m->mutable_task());
    m->set_at_us(e.at.us);
  }
  void operator()(const ev::variables_written& e) {
    auto* m = out.mutable_variables_written();
    m->set_execution(e.execution);
    for (const auto& w : e.writes) {
      auto* to = m->add_writes();
      to->set_name(w.name);
      put_content(w.content.get(), *to->mutable_content(), aside);
      to->set_removed(w.removed);
    }
  }
  void operator()(const ev::execution_created& e) {
    auto* m = out.mutable_execution_created();
    m->set_id(e.id);
    m->set_parent(e.parent);
    m->set_scope(e.scope);
    m->set_concurrent(e.concurrent);
    m->set_body(e.body);
    m->set_scope_node(put_index(e.scope_node));
    m->set_node(put_index(e.node));
    m->set_scope_instance(e.scope_instance);
    for (const auto& v : e.variables) put(v, *m->add_variables(), aside);
  }
  void operator()(const ev::activity_started& e) {
    auto* m = out.mutable_activity_started();
    m->set_execution(e.execution);
    m->set_node(put_index(e.node));
    m->set_activity_instance(e.activity_instance);
  }
  void operator()(const ev::execution_moved& e) {
    auto* m = out.mutable_execution_moved();
    m->set_execution(e.execution);
    m->set_node(put_index(e.node));
    m->set_phase(static_cast<std::uint32_t>(e.at));
    m->set_index(e.index);
  }
  void operator()(const ev::activity_ended& e) {
    auto* m = out.mutable_activity_ended();
    m->set_execution(e.execution);
    m->set_node(put_index(e.node));
    m->set_activity_instance(e.activity_instance);
    m->set_cancelled(e.cancelled);
  }
  void operator()(const ev::flow_taken& e) {
    out.mutable_flow_taken()->set_execution(e.execution);
    out.mutable_flow_taken()->set_flow(put_index(e.flow));
  }
  void operator()(const ev::execution_removed& e) { out.mutable_execution_removed()->set_execution(e.execution); }
  void operator()(const ev::execution_attached& e) {
    out.mutable_execution_attached()->set_execution(e.execution);
    out.mutable_execution_attached()->set_parent(e.parent);
  }
  void operator()(const ev::execution_merged& e) { out.mutable_execution_merged()->set_execution(e.execution); }
  void operator()(const ev::loop_advanced& e) {
    out.mutable_loop_advanced()->set_execution(e.execution);
    put(e.counters, *out.mutable_loop_advanced()->mutable_counters());
  }
  void operator()(const ev::job_created& e) { put(e.content, *out.mutable_job_created()); }
  void operator()(const ev::job_changed& e) { put(e.content, *out.mutable_job_changed()); }
  void operator()(const ev::job_removed& e) {
    out.mutable_job_removed()->set_job(e.job);
    out.mutable_job_removed()->set_cancelled(e.cancelled);
  }
  void operator()(const ev::subscription_opened& e) { put(e.content, *out.mutable_subscription_opened()); }
  void operator()(const ev::subscription_closed& e) { out.mutable_subscription_closed()->set_subscription(e.subscription); }
  void operator()(const ev::message_queued& e) { put(e.content, *out.mutable_message_queued(), &aside); }
  void operator()(const ev::message_bounced& e) {
    auto* m = out.mutable_message_bounced();
    m->set_message(e.message);
    m->set_error(e.error);
    m->set_http_status(e.http_status);
  }
  void operator()(const ev::message_settled& e) {
    out.mutable_message_settled()->set_message(e.message);
    out.mutable_message_settled()->set_delivered(e.delivered);
  }
  void operator()(const ev::user_task_created& e) { put(e.content, *out.mutable_user_task_created()); }
  void operator()(const ev::user_task_ended& e) {
    out.mutable_user_task_ended()->set_user_task(e.user_task);
    out.mutable_user_task_ended()->set_cancelled(e.cancelled);
  }
  void operator()(const ev::incident_raised& e) { put(e.content, *out.mutable_incident_raised()); }
  void operator()(const ev::incident_resolved& e) { out.mutable_incident_resolved()->set_job(e.job); }
  void operator()(const ev::task_received& e) {
    out.mutable_task_received()->set_owner(e.owner);
    put(e.task.reference, *out.mutable_task_received()->mutable_task());
  }
  void operator()(const ev::task_annotated& e) { put(e.change, *out.mutable_task_annotated(), &aside); }
  void operator()(const ev::task_written& e) { out.mutable_task_written()->set_task_id(e.task_id); }
  void operator()(const ev::task_finished& e) {
    auto* m = out.mutable_task_finished();
    m->set_owner(e.owner);
    m->set_task_id(e.task_id);
    m->set_status(e.status);
    m->set_error(e.error);
  }
  void operator()(const ev::instance_finished& e) {
    auto* m = out.mutable_instance_finished();
    m->set_status(static_cast<std::uint32_t>(e.status));
    m->set_reason(e.reason);
    m->set_at_us(e.at.us);
  }
};

}  // namespace

void put(const bpmn::event& e, pb::Event& out, large_values& aside) { std::visit(putter{out, aside}, e.what); }

bpmn::event take(pb::Event&& in, taking& t) {
  bool& ok = t.ok;
  switch (in.what_case()) {
    case pb::Event::kInstanceStarted: {
      auto& m = *in.mutable_instance_started();
      ev::instance_started e{grab(m.mutable_definition_sha256()),
                             grab(m.mutable_process_instance_id()),
                             grab(m.mutable_business_key()),
                             take_index(m.start_event()),
                             grab(m.mutable_message_name()),
                             std::nullopt,
                             {m.at_us()}};
      if (m.has_task()) e.task = bpmn::received_task{take(std::move(*m.mutable_task()))};
      return {std::move(e)};
    }
    case pb::Event::kVariablesWritten: {
      auto& m = *in.mutable_variables_written();
      ev::variables_written e{m.execution(), {}};
      for (auto& w : *m.mutable_writes())
        e.writes.push_back({grab(w.mutable_name()), take_content(std::move(*w.mutable_content()), t), w.removed()});
      return {std::move(e)};
    }
    case pb::Event::kExecutionCreated: {
      auto& m = *in.mutable_execution_created();
      ev::execution_created e{
          m.id(), m.parent(), m.scope(), m.concurrent(), m.body(), take_index(m.scope_node()), take_index(m.node()), m.scope_instance(),
          {}};
      for (auto& v : *m.mutable_variables()) e.variables.push_back(take(std::move(v), t));
      return {std::move(e)};
    }
    case pb::Event::kActivityStarted: {
      const auto& m = in.activity_started();
      return {ev::activity_started{m.execution(), take_index(m.node()), m.activity_instance()}};
    }
    case pb::Event::kExecutionMoved: {
      const auto& m = in.execution_moved();
      return {ev::execution_moved{m.execution(), take_index(m.node()), take_enum(m.phase(), bpmn::phase::complete, ok), m.index()}};
    }
    case pb::Event::kActivityEnded: {
      const auto& m = in.activity_ended();
      return {ev::activity_ended{m.execution(), take_index(m.node()), m.activity_instance(), m.cancelled()}};
    }
    case pb::Event::kFlowTaken: return {ev::flow_taken{in.flow_taken().execution(), take_index(in.flow_taken().flow())}};
    case pb::Event::kExecutionRemoved: return {ev::execution_removed{in.execution_removed().execution()}};
    case pb::Event::kExecutionAttached:
      return {ev::execution_attached{in.execution_attached().execution(), in.execution_attached().parent()}};
    case pb::Event::kExecutionMerged: return {ev::execution_merged{in.execution_merged().execution()}};
    case pb::Event::kLoopAdvanced: return {ev::loop_advanced{in.loop_advanced().execution(), take(in.loop_advanced().counters())}};
    case pb::Event::kJobCreated: return {ev::job_created{take(std::move(*in.mutable_job_created()), ok)}};
    case pb::Event::kJobChanged: return {ev::job_changed{take(std::move(*in.mutable_job_changed()), ok)}};
    case pb::Event::kJobRemoved: return {ev::job_removed{in.job_removed().job(), in.job_removed().cancelled()}};
    case pb::Event::kSubscriptionOpened: return {ev::subscription_opened{take(std::move(*in.mutable_subscription_opened()), ok)}};
    case pb::Event::kSubscriptionClosed: return {ev::subscription_closed{in.subscription_closed().subscription()}};
    case pb::Event::kMessageQueued: return {ev::message_queued{take(std::move(*in.mutable_message_queued()), &t)}};
    case pb::Event::kMessageBounced: {
      auto& m = *in.mutable_message_bounced();
      return {ev::message_bounced{m.message(), grab(m.mutable_error()), m.http_status()}};
    }
    case pb::Event::kMessageSettled: return {ev::message_settled{in.message_settled().message(), in.message_settled().delivered()}};
    case pb::Event::kUserTaskCreated: return {ev::user_task_created{take(std::move(*in.mutable_user_task_created()))}};
    case pb::Event::kUserTaskEnded: return {ev::user_task_ended{in.user_task_ended().user_task(), in.user_task_ended().cancelled()}};
    case pb::Event::kIncidentRaised: return {ev::incident_raised{take(std::move(*in.mutable_incident_raised()))}};
    case pb::Event::kIncidentResolved: return {ev::incident_resolved{in.incident_resolved().job()}};
    case pb::Event::kTaskReceived:
      return {
          ev::task_received{in.task_received().owner(), bpmn::received_task{take(std::move(*in.mutable_task_received()->mutable_task()))}}};
    case pb::Event::kTaskAnnotated: return {ev::task_annotated{take(std::move(*in.mutable_task_annotated()), &t)}};
    case pb::Event::kTaskWritten: return {ev::task_written{grab(in.mutable_task_written()->mutable_task_id())}};
    case pb::Event::kTaskFinished: {
      auto& m = *in.mutable_task_finished();
      return {ev::task_finished{m.owner(), grab(m.mutable_task_id()), grab(m.mutable_status()), grab(m.mutable_error())}};
    }
    case pb::Event::kInstanceFinished: {
      auto& m = *in.mutable_instance_finished();
      return {ev::instance_finished{take_enum(m.status(), bpmn::instance_status::failed, ok), grab(m.mutable_reason()), {m.at_us()}}};
    }
    case pb::Event::WHAT_NOT_SET: break;
  }
  ok = false;
  return {};
}

}  // namespace dsf::storage::instance_codec
