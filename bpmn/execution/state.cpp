#include "bpmn/execution/state.hpp"

#include "base/result.hpp"
#include "bpmn/execution/advance.hpp"

namespace dsf::bpmn {

const shared_value* local_variable(const execution& e, std::string_view name) {
  for (const auto& v : e.variables)
    if (v.name == name) return &v.content;
  return nullptr;
}

bool nests_too_deep(const value& v) {
  std::vector<std::pair<const value*, std::size_t>> open{{&v, 1}};
  while (!open.empty()) {
    const auto [at, depth] = open.back();
    open.pop_back();
    if (depth > value_depth_limit) return true;
    if (const auto* list = at->as<value_list>())
      for (const auto& item : *list) open.emplace_back(&item, depth + 1);
    if (const auto* map = at->as<value_map>())
      for (const auto& [name, item] : *map) open.emplace_back(&item, depth + 1);
  }
  return false;
}

// The scope execution that hosts the nodes beside `e`'s current one. A scope execution that stands on its own activity belongs to the
// surrounding scope.
local_id parent_activity_instance(const definition& d, const instance_state& state, local_id id) {
  const execution* e = state.executions.find(id);
  if (!e) return 0;
  const node_index flow_scope = e->node == no_node ? no_node : d.nodes[e->node].parent;
  for (; e; e = state.executions.find(e->parent))
    if (e->scope && e->scope_instance != 0 && !e->body && e->scope_node == flow_scope) return e->scope_instance;
  return 0;
}

std::vector<const task_record*> current_tasks(const definition& d, const instance_state& state, local_id id) {
  std::vector<const task_record*> out;
  const execution* e = state.executions.find(id);
  if (!e) return out;
  if (e->parent == 0 && state.start_task) out.push_back(&*state.start_task);
  if (const task_list* list = state.received_tasks.find(parent_activity_instance(d, state, id)))
    for (const auto& t : list->tasks) out.push_back(&t);
  return out;
}

std::vector<const task_record*> all_tasks(const instance_state& state) {
  std::vector<const task_record*> out;
  if (state.start_task) out.push_back(&*state.start_task);
  for (const auto& list : state.received_tasks)
    for (const auto& t : list.tasks) out.push_back(&t);
  return out;
}

std::vector<std::pair<std::string, value>> visible_variables(const instance_state& state, local_id id) {
  std::vector<std::pair<std::string, value>> out;
  for (const execution* e = state.executions.find(id); e; e = state.executions.find(e->parent))
    for (const auto& v : e->variables) {
      const bool hidden = std::any_of(out.begin(), out.end(), [&](const auto& o) { return o.first == v.name; });
      if (!hidden) out.emplace_back(v.name, v.content.get());
    }
  return out;
}

}  // namespace dsf::bpmn
