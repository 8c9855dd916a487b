#include <algorithm>

#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// Created, announced to its create listeners, then waits for complete_user_task (dsf-bpe 1.13).
class user_task_behaviour final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    user_task t;
    t.form_key = TRY(m.evaluate_text(m.node_at(n).form_key, execution));
    t.id = m.fresh_id();
    t.execution = execution;
    t.node = n;
    t.since = m.now;
    m.move(execution, n, phase::create);
    m.emit(events::user_task_created{std::move(t)});
    m.go(execution, stage::create, n);
    return {};
  }
};

}  // namespace

const element& user_task_element() {
  static const user_task_behaviour one;
  return one;
}

}  // namespace dsf::bpmn
