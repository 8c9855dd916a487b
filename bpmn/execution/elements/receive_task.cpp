#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// Waits for its message (dsf-bpe 2.7: "same correlation semantics").
class receive_task final : public element {
  bool scope(const definition&, const node& n) const override { return n.event.kind == event_kind::message; }

  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    m.move(execution, n, phase::behaviour);
    return m.open_event(execution, n);
  }

  base::result<> triggered(machine& m, local_id execution, node_index n, node_index) const override {
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& receive_task_element() {
  static const receive_task one;
  return one;
}

}  // namespace dsf::bpmn
