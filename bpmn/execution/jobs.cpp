// Handler jobs: listeners, delegates, and the messages that send activities wait for (docs/design.md, decision 20).
#include <algorithm>

#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {

std::string_view to_string(listener_event e) {
  switch (e) {
    case listener_event::start: return "start";
    case listener_event::end: return "end";
    case listener_event::take: return "take";
    case listener_event::create: return "create";
    case listener_event::assignment: return "assignment";
    case listener_event::complete: return "complete";
    case listener_event::update: return "update";
    case listener_event::delete_: return "delete";
    case listener_event::timeout: return "timeout";
  }
  return "";
}

const delegate& machine::delegate_of(const job& j) const {
  static const delegate none;
  const auto pick = [&](const std::vector<listener>& list) -> const delegate& {
    return j.listener_index < list.size() ? list[j.listener_index].run : none;
  };
  switch (j.call) {
    case handler_call::execution_listener:
      if (j.listener == listener_event::take) return j.flow < model.flows.size() ? pick(model.flows[j.flow].listeners) : none;
      return pick(j.node == no_node ? model.listeners : node_at(j.node).listeners);
    case handler_call::task_listener: return j.node == no_node ? none : pick(node_at(j.node).task_listeners);
    case handler_call::message_throw:
    case handler_call::message_end: return j.node == no_node ? none : node_at(j.node).event.run;
    default: return j.node == no_node ? none : node_at(j.node).run;
  }
}

// dsf-bpe 2.4: "Field values are evaluated as expressions against the current scope"; again for each attempt.
base::result<run_handler> machine::activation(const job& j, const open_message* refused) {
  const delegate& run = delegate_of(j);
  run_handler call;
  call.job = j.id;
  call.call = j.call;
  call.class_name = run.class_name;
  call.activity = j.node;
  call.execution = j.execution;
  call.attempt = static_cast<int>(j.attempt);
  call.due = j.due;
  if (const auto* e = find(j.execution)) call.activity_instance = e->activity_instance;
  if (j.call == handler_call::execution_listener || j.call == handler_call::task_listener) call.event = to_string(j.listener);
  for (const auto& f : run.fields)
    call.fields.emplace_back(f.name, f.is_expression ? TRY(evaluate(f.value, j.execution)) : value(f.value.text));
  if (j.call == handler_call::task_listener && find(j.execution))
    for (const local_id wait : at(j.execution).waits)
      if (const auto* t = state.user_tasks.find(wait)) {
        call.user_task = t->id;
        call.form_key = t->form_key;
      }
  if (refused) {
    call.event = "send_error";
    call.fields.emplace_back("error", value(refused->error));
    call.fields.emplace_back("http_status", value(refused->http_status));
    call.fields.emplace_back("target", value(refused->content->to));
  }
  return call;
}

void machine::announce(const job& j, run_handler call) {
  switch (j.kind) {
    case job_kind::handler: tell(std::move(call)); break;
    case job_kind::timer: tell(schedule_timer{j.id, j.due}); break;
    case job_kind::continuation: tell(schedule_continuation{j.id, j.due, j.exclusive}); break;
  }
}

void machine::withdraw(const job& j) {
  if (j.status == job_status::ready) tell(cancel_job{j.id, j.due});
}

void machine::remove_job(local_id id, bool cancelled) {
  const job* j = state.jobs.find(id);
  if (!j) return;
  withdraw(*j);
  if (state.incidents.find(id)) {
    emit(events::incident_resolved{id});
    tell(resolve_incident{id});
  }
  emit(events::job_removed{id, cancelled});
}

base::result<> machine::start_handler(job j) {
  j.id = fresh_id();
  j.kind = job_kind::handler;
  j.since = now;
  auto call = TRY(activation(j, nullptr));
  emit(events::job_created{j});
  announce(j, std::move(call));
  return {};
}

// The listener at `index`, when it is one for `event`. True: it runs as a job and the execution waits.
base::result<bool> machine::run_listener(local_id id, node_index n, handler_call call, listener_event event, std::uint32_t index,
                                         phase waiting) {
  const std::vector<listener>* list = nullptr;
  if (event == listener_event::take)
    list = &model.flows[at(id).flow].listeners;
  else if (n == no_node)
    list = &model.listeners;
  else
    list = call == handler_call::task_listener ? &node_at(n).task_listeners : &node_at(n).listeners;
  if (index >= list->size() || (*list)[index].event != event) return false;
  const delegate& run = (*list)[index].run;
  if (run.class_name.empty()) {
    TRY(evaluate(run.expression, id));
    return false;
  }
  job j;
  j.execution = id;
  j.node = n;
  j.call = call;
  j.listener = event;
  j.listener_index = index;
  j.flow = event == listener_event::take ? at(id).flow : no_flow;
  if (event == listener_event::take) {
    // The flow stays; `move` would clear it.
    TRY(start_handler(std::move(j)));
    return true;
  }
  move(id, n, waiting, index);
  TRY(start_handler(std::move(j)));
  return true;
}

// End listeners of a cancelled activity and delete listeners of a cancelled user task: nothing waits for them, their changes go to the
// process instance, which does not end before they did (dsf-bpe 1.9: "`end` listeners also run on cancellation").
void machine::detach_listeners(local_id id, node_index n) {
  const node& from = node_at(n);
  const auto start = [&](const std::vector<listener>& list, listener_event event, handler_call call) {
    for (std::uint32_t i = 0; i < list.size(); ++i) {
      if (list[i].event != event || list[i].run.class_name.empty()) continue;
      job j;
      j.id = fresh_id();
      j.execution = id;  // the fields see what the activity saw
      j.node = n;
      j.call = call;
      j.listener = event;
      j.listener_index = i;
      j.since = now;
      j.detached = true;
      auto made = activation(j, nullptr);
      if (asks()) return;
      j.execution = root_execution;
      if (!made) {
        j.error = made.error().to_string();
        j.status = job_status::incident;
        emit(events::job_created{j});
        emit(events::incident_raised{incident{j.id, j.execution, n, j.error, now}});
        tell(raise_incident{j.id, n, j.error});
        continue;
      }
      emit(events::job_created{j});
      made->execution = root_execution;
      announce(j, std::move(*made));
    }
  };
  for (const local_id wait : std::vector(at(id).waits))
    if (state.user_tasks.find(wait)) start(from.task_listeners, listener_event::delete_, handler_call::task_listener);
  start(from.listeners, listener_event::end, handler_call::execution_listener);
}

// The token goes on after a handler job.
base::result<> machine::resume(const job& j) {
  if (j.detached) {
    const execution& root = at(root_execution);
    if (root.at == phase::end && root.node == no_node && root.children.empty() && root.waits.empty()) complete_instance();
    return {};
  }
  const std::uint32_t next = j.listener_index + 1;
  if (j.call == handler_call::execution_listener) {
    const bool process = j.node == no_node;
    if (j.listener == listener_event::take)
      go(j.execution, stage::take, j.node, next);
    else if (j.listener == listener_event::start)
      go(j.execution, process ? stage::process_start : stage::begin, j.node, next);
    else
      go(j.execution, process ? stage::process_end : stage::finish, j.node, next);
    return {};
  }
  if (j.call == handler_call::task_listener) {
    go(j.execution, j.listener == listener_event::create ? stage::create : stage::complete, j.node, next);
    return {};
  }
  return element_of(node_at(j.node).kind).handler_done(*this, j.execution, j.node);
}

namespace {
base::failure late(local_id job) { return base::fail(errc::not_waiting, "nothing waits for job " + std::to_string(job) + " (any more)"); }
}  // namespace

base::result<> machine::handler_done(const handler_completed& c) {
  const job* found = state.jobs.find(c.job);
  if (!found || found->kind != job_kind::handler || found->status != job_status::ready) return late(c.job);
  job j = *found;
  for (const auto& change : c.variables) set(j.execution, change);
  annotate(c.tasks);
  const bool reacted = j.reacts_to != 0;
  if (reacted) {
    const local_id settled = j.reacts_to;
    j.reacts_to = 0;
    emit(events::message_settled{settled, false});
  }
  withdraw(j);
  if (over()) return {};
  if (c.messages.empty() && !reacted) {
    emit(events::job_removed{j.id, false});
    return resume(j);
  }
  j.status = job_status::delivering;
  emit(events::job_changed{j});
  for (const auto& message : c.messages) {
    open_message m;
    m.id = fresh_id();
    m.job = j.id;
    m.content = std::make_shared<const outgoing_message>(message);
    m.since = now;
    emit(events::message_queued{m});
    tell(send_message{m.id, message});
  }
  return settle_sends(j.id);
}

// The next refused message of a send activity, or the activity's end when none is open.
base::result<> machine::settle_sends(local_id id) {
  if (over()) return {};
  job j = *state.jobs.find(id);
  bool open = false;
  for (const local_id wait : at(j.execution).waits) {
    const auto* m = state.messages.find(wait);
    if (!m || m->job != id) continue;
    open = true;
    if (!m->refused) continue;
    j.status = job_status::ready;
    j.reacts_to = m->id;
    j.attempt = 1;
    j.retries_left = -1;
    j.due = {};
    j.error.clear();
    auto call = TRY(activation(j, m));
    emit(events::job_changed{j});
    announce(j, std::move(call));
    return {};
  }
  if (open) return {};
  emit(events::job_removed{id, false});
  return resume(j);
}

base::result<> machine::refused(const message_refused& c) {
  const auto* m = state.messages.find(c.message);
  if (!m || m->refused) return base::fail(errc::not_waiting, "nothing waits for message " + std::to_string(c.message) + " (any more)");
  const local_id owner = m->job;
  emit(events::message_bounced{c.message, c.error, c.http_status});
  if (state.jobs.find(owner)->status == job_status::delivering) return settle_sends(owner);
  return {};  // the handler reacts to another one just now
}

base::result<> machine::handler_error(const handler_bpmn_error& c) {
  const job* found = state.jobs.find(c.job);
  if (!found || found->kind != job_kind::handler || found->status != job_status::ready) return late(c.job);
  const job j = *found;
  for (const auto& change : c.variables) set(j.execution, change);
  annotate(c.tasks);
  for (const local_id wait : std::vector(at(j.execution).waits))
    if (const auto* m = state.messages.find(wait); m && m->job == j.id) {
      if (!m->refused) tell(cancel_message{wait});
      emit(events::message_settled{wait, false});
    }
  remove_job(j.id, false);
  if (over()) return {};
  // dsf-bpe 2.7: matched by the code; a listener that nothing waits for has no scope left that could catch it.
  if (j.detached) return resume(j);
  throw_error(j.execution, c.code, c.message);
  return {};
}

}  // namespace dsf::bpmn
