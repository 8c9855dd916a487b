#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// dsf-bpe 2.7: "subscribes all following catch events on the gateway's execution; first wins"
class event_based_gateway final : public element {
  bool scope(const definition&, const node&) const override { return true; }

  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    m.move(execution, n, phase::behaviour);
    for (const flow_index f : m.node_at(n).outgoing) {
      TRY(m.open_event(execution, m.model.flows[f].target));
      if (!m.find(execution) || m.over()) return {};  // a condition that is true already
    }
    return {};
  }

  // The gateway's execution goes, the token goes on behind the event (dsf-bpe 2.9).
  base::result<> triggered(machine& m, local_id execution, node_index n, node_index catching) const override {
    const local_id outer = m.at(execution).parent;
    m.detach_listeners(execution, n);
    m.emit(events::activity_ended{execution, n, m.at(execution).activity_instance, false});
    if (!DSF_MUTANT("bpmn.event_gateway_keeps_subscriptions")) m.cancel_tree(execution);
    for (const flow_index f : m.node_at(n).outgoing)
      if (m.model.flows[f].target == catching) {
        m.emit(events::flow_taken{outer, f});
        break;
      }
    m.go(outer, stage::arrive, catching);
    return {};
  }
};

}  // namespace

const element& event_based_gateway_element() {
  static const event_based_gateway one;
  return one;
}

}  // namespace dsf::bpmn
