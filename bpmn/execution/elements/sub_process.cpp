#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// Embedded sub-process: its own scope, one none start event.
class sub_process final : public element {
  bool scope(const definition&, const node&) const override { return true; }

  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    const node_index start = m.node_at(n).start;
    if (start == no_node) return base::fail(errc::bad_model, "the sub-process has no none start event", m.node_at(n).id);
    m.go(execution, stage::arrive, start);
    return {};
  }
};

}  // namespace

const element& sub_process_element() {
  static const sub_process one;
  return one;
}

}  // namespace dsf::bpmn
