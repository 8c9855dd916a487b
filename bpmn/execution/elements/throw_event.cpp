#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// None, message and signal throw events; a message event without a delegate does nothing (engine 1a).
class throw_event final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    const node& thrower = m.node_at(n);
    if (thrower.event.kind == event_kind::message && !thrower.event.run.class_name.empty()) {
      job j;
      j.execution = execution;
      j.node = n;
      j.call = handler_call::message_throw;
      m.move(execution, n, phase::behaviour);
      return m.start_handler(std::move(j));
    }
    if (thrower.event.kind == event_kind::message && thrower.event.run.expression) TRY(m.evaluate(thrower.event.run.expression, execution));
    if (thrower.event.kind == event_kind::signal) {
      const std::string name = TRY(m.evaluate_text(thrower.event.name_expression, execution));
      TRY(m.throw_signal_now(thrower.event.name_expression ? name : thrower.event.name));
      // engine 1c.13: who interrupts itself does not go on.
      if (m.over() || !m.find(execution)) return {};
    }
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& throw_event_element() {
  static const throw_event one;
  return one;
}

}  // namespace dsf::bpmn
