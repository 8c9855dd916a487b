// apply: the only code that changes an instance's state. Frozen once released (docs/design.md, decision 7).
#include <algorithm>

#include "bpmn/errc.hpp"
#include "bpmn/execution/advance.hpp"

namespace dsf::bpmn {
namespace {

base::failure misfit(std::string what, local_id id) {
  return base::fail(errc::bug, "the event does not fit the state: " + std::move(what) + " " + std::to_string(id));
}

void put_variable(variable_list& list, std::string_view name, const shared_value& content) {
  for (auto& v : list)
    if (v.name == name) {
      v.content = content;
      return;
    }
  list.push_back({std::string(name), content});
}

class applier {
public:
  applier(const definition& d, instance_state& s) : model_(d), s_(s) {}

  base::result<> operator()(const events::instance_started& e) {
    if (s_.status != instance_status::fresh) return misfit("the instance has started already; event", 0);
    s_.status = instance_status::running;
    s_.definition_sha256 = e.definition_sha256;
    s_.process_instance_id = e.process_instance_id;
    s_.business_key = e.business_key;
    s_.start_event = e.start_event;
    s_.message_name = e.message_name;
    s_.started = e.at;
    if (e.task) s_.start_task = task_record{*e.task, {}};
    execution root;
    root.id = used(root_execution);
    root.scope = true;
    root.activity_instance = root.scope_instance = root_execution;
    s_.executions.insert(std::move(root));
    return {};
  }

  base::result<> operator()(const events::variables_written& e) {
    auto* x = edit(e.execution);
    if (!x) return misfit("no execution", e.execution);
    for (const auto& w : e.writes) {
      if (w.removed)
        std::erase_if(x->variables, [&](const variable& v) { return v.name == w.name; });
      else
        put_variable(x->variables, w.name, w.content);
    }
    return {};
  }

  base::result<> operator()(const events::execution_created& e) {
    auto* parent = edit(e.parent);
    if (!parent) return misfit("no parent execution", e.parent);
    execution x;
    x.id = used(e.id);
    x.parent = e.parent;
    x.scope = e.scope;
    x.concurrent = e.concurrent;
    x.body = e.body;
    x.scope_node = e.scope_node;
    x.node = e.node;
    if (e.scope_instance) x.scope_instance = x.activity_instance = used(e.scope_instance);
    x.variables = e.variables;
    parent->children.push_back(e.id);
    if (!s_.executions.insert(std::move(x))) return misfit("a second execution", e.id);
    return {};
  }

  base::result<> operator()(const events::activity_started& e) {
    auto* x = edit(e.execution);
    if (!x || e.node >= model_.nodes.size()) return misfit("no execution", e.execution);
    x->node = e.node;
    x->activity_instance = used(e.activity_instance);
    x->at = phase::start;
    x->index = 0;
    x->flow = no_flow;
    return {};
  }

  base::result<> operator()(const events::execution_moved& e) {
    auto* x = edit(e.execution);
    if (!x) return misfit("no execution", e.execution);
    x->node = e.node;
    x->at = e.at;
    x->index = e.index;
    if (e.at != phase::take) x->flow = no_flow;
    // Back on its own activity: a sub-process whose inside has ended.
    if (x->scope && x->scope_node == e.node && x->scope_instance) x->activity_instance = x->scope_instance;
    return {};
  }

  base::result<> operator()(const events::activity_ended& e) {
    auto* x = edit(e.execution);
    if (!x) return misfit("no execution", e.execution);
    x->activity_instance = x->parent ? 0 : root_execution;
    x->at = phase::idle;
    x->index = 0;
    return {};
  }

  base::result<> operator()(const events::flow_taken& e) {
    auto* x = edit(e.execution);
    if (!x || e.flow >= model_.flows.size()) return misfit("no execution", e.execution);
    x->flow = e.flow;
    x->at = phase::take;
    x->index = 0;
    return {};
  }

  base::result<> operator()(const events::execution_removed& e) {
    const auto* x = s_.executions.find(e.execution);
    if (!x || !x->children.empty() || !x->waits.empty()) return misfit("can't remove execution", e.execution);
    detach(*x);
    s_.executions.erase(e.execution);
    return {};
  }

  base::result<> operator()(const events::execution_attached& e) {
    auto* x = edit(e.execution);
    if (!x) return misfit("no execution", e.execution);
    auto* parent = edit(e.parent);
    if (!parent) return misfit("no parent execution", e.parent);
    detach(*x);
    parent->children.push_back(e.execution);
    x->parent = e.parent;
    return {};
  }

  // dsf-bpe 2.9: "when only one is left it is merged back into the parent"
  base::result<> operator()(const events::execution_merged& e) {
    const auto* found = s_.executions.find(e.execution);
    if (!found || !found->concurrent) return misfit("can't merge execution", e.execution);
    const execution branch = *found;
    auto* parent = edit(branch.parent);
    if (!parent) return misfit("no parent execution", branch.parent);
    std::erase(parent->children, branch.id);
    parent->children.insert(parent->children.end(), branch.children.begin(), branch.children.end());
    parent->node = branch.node;
    parent->at = branch.at;
    parent->index = branch.index;
    parent->flow = branch.flow;
    parent->activity_instance = branch.activity_instance ? branch.activity_instance : (parent->parent ? 0 : root_execution);
    for (const auto& v : branch.variables) put_variable(parent->variables, v.name, v.content);
    const auto middle = static_cast<std::ptrdiff_t>(parent->waits.size());
    parent->waits.insert(parent->waits.end(), branch.waits.begin(), branch.waits.end());
    std::inplace_merge(parent->waits.begin(), parent->waits.begin() + middle, parent->waits.end());
    for (const local_id child : branch.children) edit(child)->parent = branch.parent;
    for (const local_id id : branch.waits) {
      if (auto* j = s_.jobs.edit(id)) j->execution = branch.parent;
      if (auto* sub = s_.subscriptions.edit(id)) sub->execution = branch.parent;
      if (auto* t = s_.user_tasks.edit(id)) t->execution = branch.parent;
      if (auto* i = s_.incidents.edit(id)) i->execution = branch.parent;
    }
    s_.executions.erase(branch.id);
    return {};
  }

  base::result<> operator()(const events::loop_advanced& e) {
    auto* x = edit(e.execution);
    if (!x || !x->body) return misfit("no multi-instance body", e.execution);
    x->loop = e.counters;
    const auto number = [](std::uint32_t n) { return shared_value(value(static_cast<std::int32_t>(n))); };
    put_variable(x->variables, "nrOfInstances", number(e.counters.total));
    put_variable(x->variables, "nrOfCompletedInstances", number(e.counters.completed));
    put_variable(x->variables, "nrOfActiveInstances", number(e.counters.active));
    return {};
  }

  base::result<> operator()(const events::job_created& e) {
    if (!own(e.content.execution, e.content.id) || !s_.jobs.insert(e.content)) return misfit("can't create job", e.content.id);
    return {};
  }
  base::result<> operator()(const events::job_changed& e) {
    auto* j = s_.jobs.edit(e.content.id);
    if (!j || j->execution != e.content.execution) return misfit("no job", e.content.id);
    *j = e.content;
    return {};
  }
  base::result<> operator()(const events::job_removed& e) {
    const auto* j = s_.jobs.find(e.job);
    if (!j) return misfit("no job", e.job);
    disown(j->execution, e.job);
    s_.jobs.erase(e.job);
    return {};
  }

  base::result<> operator()(const events::subscription_opened& e) {
    if (auto* known = s_.subscriptions.edit(e.content.id)) {
      *known = e.content;
      return {};
    }
    if (!own(e.content.execution, e.content.id) || !s_.subscriptions.insert(e.content))
      return misfit("can't open subscription", e.content.id);
    return {};
  }
  base::result<> operator()(const events::subscription_closed& e) {
    const auto* sub = s_.subscriptions.find(e.subscription);
    if (!sub) return misfit("no subscription", e.subscription);
    disown(sub->execution, e.subscription);
    s_.subscriptions.erase(e.subscription);
    return {};
  }

  base::result<> operator()(const events::message_queued& e) {
    const auto* j = s_.jobs.find(e.content.job);
    if (!j || !e.content.content || !own(j->execution, e.content.id) || !s_.messages.insert(e.content))
      return misfit("can't queue message", e.content.id);
    return {};
  }
  base::result<> operator()(const events::message_bounced& e) {
    auto* m = s_.messages.edit(e.message);
    if (!m) return misfit("no message", e.message);
    m->refused = true;
    m->error = e.error;
    m->http_status = e.http_status;
    return {};
  }
  base::result<> operator()(const events::message_settled& e) {
    const auto* m = s_.messages.find(e.message);
    const auto* j = m ? s_.jobs.find(m->job) : nullptr;
    if (!j) return misfit("no message", e.message);
    disown(j->execution, e.message);
    s_.messages.erase(e.message);
    return {};
  }

  base::result<> operator()(const events::user_task_created& e) {
    if (!own(e.content.execution, e.content.id) || !s_.user_tasks.insert(e.content)) return misfit("can't create user task", e.content.id);
    return {};
  }
  base::result<> operator()(const events::user_task_ended& e) {
    const auto* t = s_.user_tasks.find(e.user_task);
    if (!t) return misfit("no user task", e.user_task);
    disown(t->execution, e.user_task);
    s_.user_tasks.erase(e.user_task);
    return {};
  }

  base::result<> operator()(const events::incident_raised& e) {
    if (!s_.incidents.insert(e.content)) return misfit("a second incident", e.content.id);
    return {};
  }
  base::result<> operator()(const events::incident_resolved& e) {
    if (!s_.incidents.erase(e.job)) return misfit("no incident", e.job);
    return {};
  }

  base::result<> operator()(const events::task_received& e) {
    if (auto* list = s_.received_tasks.edit(e.owner))
      list->tasks.push_back({e.task, {}});
    else
      s_.received_tasks.insert(task_list{e.owner, {task_record{e.task, {}}}});
    return {};
  }
  base::result<> operator()(const events::task_annotated& e) {
    auto* t = task(e.change.task_id);
    if (!t) return base::fail(errc::bug, "the event does not fit the state: no Task " + e.change.task_id);
    t->pending.push_back(e.change);
    return {};
  }
  base::result<> operator()(const events::task_written& e) {
    auto* t = task(e.task_id);
    if (!t) return base::fail(errc::bug, "the event does not fit the state: no Task " + e.task_id);
    for (auto& c : t->pending) c.add_outputs.clear();
    std::erase_if(t->pending, [](const task_change& c) { return c.status.empty() && c.status_reason.empty(); });
    return {};
  }
  base::result<> operator()(const events::task_finished& e) {
    if (e.owner == 0) {
      s_.start_task.reset();
      return {};
    }
    auto* list = s_.received_tasks.edit(e.owner);
    if (!list) return misfit("no Tasks in activity instance", e.owner);
    std::erase_if(list->tasks, [&](const task_record& t) { return t.task.reference.id == e.task_id; });
    if (list->tasks.empty()) s_.received_tasks.erase(e.owner);
    return {};
  }

  base::result<> operator()(const events::instance_finished& e) {
    s_.status = e.status;
    s_.end_reason = e.reason;
    s_.ended = e.at;
    s_.executions.clear();
    s_.jobs.clear();
    s_.subscriptions.clear();
    s_.messages.clear();
    s_.user_tasks.clear();
    s_.incidents.clear();
    s_.start_task.reset();
    s_.received_tasks.clear();
    return {};
  }

private:
  execution* edit(local_id id) { return s_.executions.edit(id); }

  local_id used(local_id id) {
    s_.next_id = std::max(s_.next_id, id + 1);
    return id;
  }

  bool own(local_id owner, local_id id) {
    auto* x = edit(owner);
    if (!x) return false;
    x->waits.insert(std::upper_bound(x->waits.begin(), x->waits.end(), id), used(id));
    return true;
  }
  void disown(local_id owner, local_id id) {
    if (auto* x = edit(owner)) std::erase(x->waits, id);
  }
  void detach(const execution& x) {
    const local_id id = x.id;
    if (auto* parent = edit(x.parent)) {
      // Whole subtrees go last child first, so look from the end.
      auto at = std::find(parent->children.rbegin(), parent->children.rend(), id);
      if (at != parent->children.rend()) parent->children.erase(std::next(at).base());
    }
  }
  task_record* task(const std::string& id) {
    if (s_.start_task && s_.start_task->task.reference.id == id) return &*s_.start_task;
    for (const auto& list : s_.received_tasks)
      for (std::size_t i = 0; i < list.tasks.size(); ++i)
        if (list.tasks[i].task.reference.id == id) return &s_.received_tasks.edit(list.id)->tasks[i];
    return nullptr;
  }

  const definition& model_;
  instance_state& s_;
};

}  // namespace

base::result<> apply(const definition& d, instance_state& state, const event& e) {
  TRY(std::visit(applier(d, state), e.what));
  ++state.events;
  return {};
}

}  // namespace dsf::bpmn
