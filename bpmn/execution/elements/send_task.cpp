#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// As a service task; what its handler sends is waited for (docs/design.md, decision 20; jobs.cpp).
class send_task final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    const delegate& run = m.node_at(n).run;
    if (!run.class_name.empty()) {
      job j;
      j.execution = execution;
      j.node = n;
      j.call = handler_call::send_task;
      m.move(execution, n, phase::behaviour);
      return m.start_handler(std::move(j));
    }
    value v = TRY(m.evaluate(run.expression, execution));
    if (!run.result_variable.empty()) m.set(execution, run.result_variable, std::move(v));
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& send_task_element() {
  static const send_task one;
  return one;
}

}  // namespace dsf::bpmn
