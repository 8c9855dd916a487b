#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// None and message start events: what started the instance was noted before (dsf-bpe 1.9, StartListener).
class start_event final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& start_event_element() {
  static const start_event one;
  return one;
}

}  // namespace dsf::bpmn
