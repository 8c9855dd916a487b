#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// Intermediate message, timer, signal and conditional catch events.
class catch_event final : public element {
  // Alone it subscribes on an execution of its own; behind an event-based gateway the gateway did (dsf-bpe 2.9).
  bool scope(const definition& d, const node& n) const override { return !behind_event_gateway(d, n); }

  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    if (behind_event_gateway(m.model, m.node_at(n))) {
      m.go(execution, stage::finish, n);
      return {};
    }
    m.move(execution, n, phase::behaviour);
    return m.open_event(execution, n);
  }

  base::result<> triggered(machine& m, local_id execution, node_index n, node_index) const override {
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& catch_event_element() {
  static const catch_event one;
  return one;
}

}  // namespace dsf::bpmn
