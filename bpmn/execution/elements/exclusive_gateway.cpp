#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// dsf-bpe 2.6: "takes the first true flow in document order, none true and no default => error"
class exclusive_gateway final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    m.go(execution, stage::finish, n);
    return {};
  }

  base::result<> leave(machine& m, local_id execution, node_index n) const override {
    const node& gateway = m.node_at(n);
    if (gateway.outgoing.empty()) {
      m.end_branch(execution);
      return {};
    }
    for (const flow_index f : gateway.outgoing) {
      const sequence_flow& flow = m.model.flows[f];
      if (f == gateway.default_flow) continue;
      if (DSF_MUTANT("bpmn.gateway_takes_first_flow") || !flow.condition || TRY(m.holds(flow.condition, execution, flow.id))) {
        m.fork(execution, {f});
        return {};
      }
    }
    if (gateway.default_flow != no_flow && !DSF_MUTANT("bpmn.default_flow_ignored")) {
      m.fork(execution, {gateway.default_flow});
      return {};
    }
    return base::fail(
        errc::no_flow,
        "No outgoing sequence flow of the exclusive gateway '" + gateway.id + "' could be selected for continuing the process", gateway.id);
  }
};

}  // namespace

const element& exclusive_gateway_element() {
  static const exclusive_gateway one;
  return one;
}

}  // namespace dsf::bpmn
