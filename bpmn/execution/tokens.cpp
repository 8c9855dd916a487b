// How tokens move through the execution tree (dsf-bpe 2.9; engine 1c).
#include <algorithm>

#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {

void machine::move(local_id id, node_index n, phase at_phase, std::uint32_t index) {
  const execution& e = at(id);
  if (e.node == n && e.at == at_phase && e.index == index) return;
  emit(events::execution_moved{id, n, at_phase, index});
}

bool machine::is_inner(local_id id, node_index n) const {
  const execution* parent = find(at(id).parent);
  return parent && parent->body && parent->scope_node == n;
}

void machine::wait_for_continuation(local_id id, node_index n, phase at_phase, bool exclusive) {
  move(id, n, at_phase);
  job j;
  j.id = fresh_id();
  j.kind = job_kind::continuation;
  j.execution = id;
  j.node = n;
  j.exclusive = exclusive;
  j.since = now;
  emit(events::job_created{j});
  announce(j, {});
}

base::result<> machine::advance_token(const cursor& c) {
  const local_id id = c.execution;
  switch (c.at) {
    case stage::arrive: {
      const node& n = node_at(c.node);
      const bool inner = n.loop && is_inner(id, c.node);
      // dsf-bpe 2.7: on multi-instance the flag of the loop applies to each inner instance, the activity's to the body.
      if (inner ? n.loop->async_before : n.async_before)
        wait_for_continuation(id, c.node, phase::before, inner ? n.loop->exclusive : n.exclusive);
      else
        go(id, stage::enter, c.node);
      return {};
    }

    case stage::enter: {
      const node& n = node_at(c.node);
      if (n.loop && !is_inner(id, c.node)) return enter_loop(id, c.node);
      local_id own = id;
      local_id instance = 0;
      if (has_scope(model, n)) {
        own = fresh_id();
        instance = fresh_id();
        move(id, c.node, phase::idle);
        emit(events::execution_created{own, id, true, false, false, c.node, c.node, n.kind == node_kind::sub_process ? instance : 0, {}});
      } else {
        instance = fresh_id();
      }
      emit(events::activity_started{own, c.node, instance});
      go(own, stage::begin, c.node);
      return {};
    }

    case stage::begin: {
      const node& n = node_at(c.node);
      if (c.index == 0) {
        if (!n.loop)
          for (const auto& p : n.inputs) write(id, p.name, TRY(evaluate(p.value, id)));
        if (!n.loop) TRY(open_boundary(id, c.node));
        if (over() || !find(id)) return {};
      }
      if (TRY(run_listener(id, c.node, handler_call::execution_listener, listener_event::start, c.index, phase::start))) return {};
      if (over() || !find(id)) return {};
      if (c.index < n.listeners.size())
        go(id, stage::begin, c.node, c.index + 1);
      else
        go(id, stage::execute, c.node);
      return {};
    }

    case stage::execute: return element_of(node_at(c.node).kind).execute(*this, id, c.node);

    case stage::create:
    case stage::complete: {
      const node& n = node_at(c.node);
      const bool creating = c.at == stage::create;
      if (TRY(run_listener(id, c.node, handler_call::task_listener, creating ? listener_event::create : listener_event::complete, c.index,
                           creating ? phase::create : phase::complete)))
        return {};
      if (c.index < n.task_listeners.size()) {
        go(id, c.at, c.node, c.index + 1);
      } else if (creating) {
        move(id, c.node, phase::behaviour);
      } else {
        for (const local_id wait : std::vector(at(id).waits))
          if (state.user_tasks.find(wait)) emit(events::user_task_ended{wait, false});
        go(id, stage::finish, c.node);
      }
      return {};
    }

    case stage::finish: {
      const node& n = node_at(c.node);
      if (c.index == 0) {
        close_own_events(id);
        // dsf-bpe 1.9: the EndListener comes before the model's own listeners.
        if (n.kind == node_kind::end_event) finish_current_tasks(id);
      }
      if (!DSF_MUTANT("bpmn.end_listener_skipped") &&
          TRY(run_listener(id, c.node, handler_call::execution_listener, listener_event::end, c.index, phase::end)))
        return {};
      if (c.index < n.listeners.size())
        go(id, stage::finish, c.node, c.index + 1);
      else
        go(id, stage::leave, c.node);
      return {};
    }

    case stage::leave: {
      const node& n = node_at(c.node);
      std::vector<std::pair<std::string, value>> outputs;
      if (!n.loop)
        for (const auto& p : n.outputs) outputs.emplace_back(p.name, TRY(evaluate(p.value, id)));
      const bool own = at(id).scope && at(id).scope_node == c.node && !at(id).body;
      local_id outer = id;
      emit(events::activity_ended{id, c.node, at(id).activity_instance, false});
      if (own) {
        outer = at(id).parent;
        cancel_waits(id);
        emit(events::execution_removed{id});
      }
      for (auto& [name, v] : outputs) set(outer, name, std::move(v));
      const bool inner = n.loop && is_inner(outer, c.node);
      if (inner ? n.loop->async_after : n.async_after)
        wait_for_continuation(outer, c.node, phase::after, inner ? n.loop->exclusive : n.exclusive);
      else
        go(outer, inner ? stage::inner_done : stage::outgoing, c.node);
      return {};
    }

    case stage::outgoing: return element_of(node_at(c.node).kind).leave(*this, id, c.node);
    case stage::inner_done: return inner_done(id, c.node);

    case stage::take: {
      const flow_index f = at(id).flow;
      if (f == no_flow) return base::fail(errc::bug, "no flow to take");
      if (TRY(run_listener(id, c.node, handler_call::execution_listener, listener_event::take, c.index, phase::take))) return {};
      if (c.index < model.flows[f].listeners.size())
        go(id, stage::take, c.node, c.index + 1);
      else
        go(id, stage::arrive, model.flows[f].target);
      return {};
    }

    case stage::process_start:
    case stage::process_end: {
      const bool starting = c.at == stage::process_start;
      if (TRY(run_listener(id, no_node, handler_call::execution_listener, starting ? listener_event::start : listener_event::end, c.index,
                           starting ? phase::start : phase::end)))
        return {};
      if (c.index < model.listeners.size())
        go(id, c.at, no_node, c.index + 1);
      else if (starting)
        go(id, stage::arrive, state.start_event);
      else
        complete_instance();
      return {};
    }
  }
  return {};
}

// Flows without a condition and those whose condition holds; the default flow when there is none (engine 1b, also on tasks).
base::result<> machine::take_flows(local_id id, node_index n, bool conditions) {
  const node& from = node_at(n);
  std::vector<flow_index> taken;
  for (const flow_index f : from.outgoing) {
    const sequence_flow& flow = model.flows[f];
    if (conditions && f == from.default_flow) continue;
    if (!conditions || !flow.condition || TRY(holds(flow.condition, id, flow.id))) taken.push_back(f);
  }
  if (taken.empty() && conditions && from.default_flow != no_flow) taken.push_back(from.default_flow);
  if (taken.empty() && !from.outgoing.empty())
    return base::fail(errc::no_flow,
                      "No outgoing sequence flow for the element with id '" + from.id + "' could be selected for continuing the process",
                      from.id);
  if (taken.empty())
    end_branch(id);
  else
    fork(id, taken);
  return {};
}

void machine::fork(local_id id, const std::vector<flow_index>& flows) {
  const node_index n = at(id).node;
  std::vector<local_id> branches;
  if (flows.size() == 1) {
    branches.push_back(id);
  } else {
    const local_id scope = at(id).concurrent ? at(id).parent : id;
    if (scope == id) move(id, n, phase::idle);
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (i == 0 && scope != id) {
        branches.push_back(id);
        continue;
      }
      const local_id branch = fresh_id();
      emit(events::execution_created{branch, scope, false, true, false, no_node, n, 0, {}});
      branches.push_back(branch);
    }
  }
  for (std::size_t i = flows.size(); i-- > 0;) {
    emit(events::flow_taken{branches[i], flows[i]});
    go(branches[i], stage::take, n);
  }
}

void machine::end_branch(local_id id) {
  if (!at(id).concurrent) {
    scope_completed(id);
    return;
  }
  const local_id scope = at(id).parent;
  cancel_waits(id);
  emit(events::execution_removed{id});
  if (at(scope).children.empty())
    scope_completed(scope);
  else
    prune(scope);
}

// dsf-bpe 2.9: "when only one is left it is merged back into the parent"
void machine::prune(local_id scope) {
  if (at(scope).body || at(scope).children.size() != 1) return;
  const local_id last = at(scope).children.front();
  if (!at(last).concurrent) return;
  emit(events::execution_merged{last});
  for (auto& c : agenda_)
    if (c.execution == last) c.execution = scope;
}

void machine::scope_completed(local_id scope) {
  const node_index n = at(scope).scope_node;
  move(scope, n, phase::end);
  if (n == no_node)
    go(scope, stage::process_end, no_node);
  else
    go(scope, stage::finish, n);
}

// A non-interrupting boundary event runs beside its activity, in the scope around it.
local_id machine::branch_beside(local_id child) {
  const local_id outer = at(child).parent;
  local_id scope = outer;
  if (at(outer).concurrent) {
    scope = at(outer).parent;
  } else {
    const local_id wrapper = fresh_id();
    emit(events::execution_created{wrapper, outer, false, true, false, no_node, at(outer).node, 0, {}});
    emit(events::execution_attached{child, wrapper});
  }
  const local_id branch = fresh_id();
  emit(events::execution_created{branch, scope, false, true, false, no_node, at(outer).node, 0, {}});
  return branch;
}

// Everything below and with `top` goes, leaves first; end listeners of what was running are called on the way (dsf-bpe 1.9).
void machine::cancel_tree(local_id top) {
  std::vector<local_id> order{top};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& children = at(order[i]).children;
    order.insert(order.end(), children.begin(), children.end());
  }
  for (std::size_t i = order.size(); i-- > 0;) {
    const execution& e = at(order[i]);
    const local_id id = e.id;
    if (e.activity_instance && e.node != no_node) {
      detach_listeners(id, e.node);
      emit(events::activity_ended{id, at(id).node, at(id).activity_instance, true});
    }
    // The sub-process around ends, too.
    if (const execution& s = at(id); s.scope && !s.body && s.scope_instance && s.scope_node != no_node && s.node != s.scope_node) {
      detach_listeners(id, s.scope_node);
      emit(events::activity_ended{id, s.scope_node, s.scope_instance, true});
    }
    cancel_waits(id);
    emit(events::execution_removed{id});
    if (broken_) return;
  }
}

void machine::cancel_waits(local_id id) {
  for (const local_id wait : std::vector(at(id).waits)) {
    if (const auto* m = state.messages.find(wait)) {
      if (!m->refused) tell(cancel_message{m->id});
      emit(events::message_settled{wait, false});
    }
  }
  for (const local_id wait : std::vector(at(id).waits)) {
    if (state.jobs.find(wait))
      remove_job(wait, true);
    else if (const auto* s = state.subscriptions.find(wait))
      close(*s);
    else if (state.user_tasks.find(wait))
      emit(events::user_task_ended{wait, true});
  }
}

// What the activity itself waited for; its boundary events stay until it is left.
void machine::close_own_events(local_id id) {
  if (at(id).waits.empty()) return;
  const node_index n = at(id).node;
  for (const local_id wait : std::vector(at(id).waits)) {
    if (const auto* s = state.subscriptions.find(wait); s && s->node == n) close(*s);
    if (const auto* j = state.jobs.find(wait); j && j->kind == job_kind::timer && j->node == n) remove_job(wait, true);
  }
}

}  // namespace dsf::bpmn
