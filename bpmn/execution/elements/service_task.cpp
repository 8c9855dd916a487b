#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// A class runs as a durable job, an expression at once (dsf-bpe 2.4).
class service_task final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    const delegate& run = m.node_at(n).run;
    if (!run.class_name.empty()) {
      job j;
      j.execution = execution;
      j.node = n;
      j.call = handler_call::service_task;
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

const element& service_task_element() {
  static const service_task one;
  return one;
}

}  // namespace dsf::bpmn
