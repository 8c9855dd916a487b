#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// engine 1c.3: the join counts inactive concurrent executions at the gateway; tokens are not told apart by flow.
class parallel_gateway final : public element {
  base::result<> execute(machine& m, local_id arriving, node_index n) const override {
    m.move(arriving, n, phase::join);
    const std::size_t needed = m.node_at(n).incoming.size();
    const local_id scope = m.at(arriving).parent;
    std::vector<local_id> others;
    if (m.at(arriving).concurrent)
      for (const local_id id : m.at(scope).children) {
        const execution& e = m.at(id);
        if (id != arriving && e.concurrent && e.at == phase::join && e.node == n) others.push_back(id);
      }
    if (others.size() + 1 < needed && !DSF_MUTANT("bpmn.join_passes_with_one_token")) return {};
    m.go(arriving, stage::finish, n);
    for (const local_id id : others) {
      m.emit(events::activity_ended{id, n, m.at(id).activity_instance, false});
      m.cancel_waits(id);
      m.emit(events::execution_removed{id});
    }
    if (!others.empty()) m.prune(scope);
    return {};
  }

  base::result<> leave(machine& m, local_id execution, node_index n) const override { return m.take_flows(execution, n, false); }
};

}  // namespace

const element& parallel_gateway_element() {
  static const parallel_gateway one;
  return one;
}

}  // namespace dsf::bpmn
