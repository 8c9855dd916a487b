// Received Tasks: which activity instance has them, when they get their final version (dsf-bpe 1.9, 4.2, 10.1 L13).
#include <algorithm>

#include "bpmn/execution/machine_impl.hpp"

namespace dsf::bpmn {

// ContinueListener; message boundary events too (L13): the Task belongs to the scope around the catching event.
void machine::receive(local_id id, node_index catching, const received_task& task) {
  const node_index flow_scope = node_at(catching).parent;
  const execution* e = find(id);
  while (e && e->parent && (!e->scope || e->body || e->scope_instance == 0 || e->scope_node != flow_scope)) e = find(e->parent);
  emit(events::task_received{e ? e->scope_instance : root_execution, task});
}

void machine::annotate(const std::vector<task_change>& changes) {
  for (const auto& change : changes) {
    const auto known = all_tasks(state);
    const auto record = std::ranges::find_if(known, [&](const task_record* t) { return t->task.reference.id == change.task_id; });
    if (record == known.end()) continue;  // has its final version already; nothing can be added to it any more
    emit(events::task_annotated{change});
    if (!change.write_now) continue;
    for (const auto* t : all_tasks(state))
      if (t->task.reference.id == change.task_id) {
        tell(update_task{t->task.reference, t->pending});
        break;
      }
    emit(events::task_written{change.task_id});
  }
}

void machine::finish_task_record(local_id owner, const task_record& t, std::string status, const std::string& error) {
  // A handler that set it to failed has the last word (dsf-bpe 4.2).
  if (std::ranges::any_of(t.pending, [](const task_change& c) { return c.status == "failed"; })) status = "failed";
  const std::string id = t.task.reference.id;
  tell(finish_task{t.task.reference, status, error, t.pending});
  emit(events::task_finished{owner, id, std::move(status), error});
}

// EndListener: the current Tasks of the scope, newest first; the start Task only on the process instance itself.
void machine::finish_current_tasks(local_id id) {
  const local_id owner = parent_activity_instance(model, state, id);
  const bool process = at(id).parent == 0;
  if (const auto* list = state.received_tasks.find(owner)) {
    const auto tasks = list->tasks;
    for (std::size_t i = tasks.size(); i-- > 0;) finish_task_record(owner, tasks[i], "completed", "");
  }
  if (process && state.start_task) finish_task_record(0, task_record(*state.start_task), "completed", "");
}

// "no Task stays in-progress without an instance behind it": newest first, the start Task last (dsf-bpe 3.4).
void machine::finish_all_tasks(const std::string& error) {
  std::vector<task_list> lists;
  for (const auto& list : state.received_tasks) lists.push_back(list);
  const std::string status = error.empty() ? "completed" : "failed";
  for (std::size_t l = lists.size(); l-- > 0;)
    for (std::size_t i = lists[l].tasks.size(); i-- > 0;) finish_task_record(lists[l].id, lists[l].tasks[i], status, error);
  if (state.start_task) finish_task_record(0, task_record(*state.start_task), status, error);
}

void machine::complete_instance() {
  // Listeners of cancelled activities are called to the end first.
  if (!at(root_execution).waits.empty()) return;
  finish_all_tasks("");
  emit(events::instance_finished{instance_status::completed, "", now});
  tell(instance_ended{false, ""});
}

}  // namespace dsf::bpmn
