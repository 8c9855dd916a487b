#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// None, message, signal, error and terminate end events.
class end_event final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    const node& end = m.node_at(n);
    switch (end.event.kind) {
      case event_kind::message:
        if (!end.event.run.class_name.empty()) {
          job j;
          j.execution = execution;
          j.node = n;
          j.call = handler_call::message_end;
          m.move(execution, n, phase::behaviour);
          return m.start_handler(std::move(j));
        }
        if (end.event.run.expression) TRY(m.evaluate(end.event.run.expression, execution));
        break;
      case event_kind::signal: {
        const std::string name = TRY(m.evaluate_text(end.event.name_expression, execution));
        TRY(m.throw_signal_now(end.event.name_expression ? name : end.event.name));
        // engine 1c.13: who interrupts itself does not go on.
        if (m.over() || !m.find(execution)) return {};
        break;
      }
      case event_kind::error: {
        const std::string code = TRY(m.evaluate_text(end.event.name_expression, execution));
        m.throw_error(execution, end.event.name_expression ? code : end.event.name, end.event.error_message);
        return {};
      }
      default: break;
    }
    m.go(execution, stage::finish, n);
    return {};
  }

  base::result<> leave(machine& m, local_id execution, node_index n) const override {
    if (m.node_at(n).event.kind != event_kind::terminate || DSF_MUTANT("bpmn.terminate_leaves_tokens")) {
      m.end_branch(execution);
      return {};
    }
    // engine 1c.8: terminate ends only the enclosing scope.
    const local_id scope = scope_of(m, execution, n);
    for (const local_id child : std::vector(m.at(scope).children)) m.cancel_tree(child);
    m.scope_completed(scope);
    return {};
  }

  static local_id scope_of(const machine& m, local_id execution, node_index n) {
    const node_index flow_scope = m.node_at(n).parent;
    const bpmn::execution* e = m.find(execution);
    while (e->parent != 0 && (!e->scope || e->body || e->scope_node != flow_scope)) e = m.find(e->parent);
    return e->id;
  }
};

}  // namespace

const element& end_event_element() {
  static const end_event one;
  return one;
}

}  // namespace dsf::bpmn
