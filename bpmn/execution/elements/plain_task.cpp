#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// Manual and undefined tasks are passed through (engine 1b).
class plain_task final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& plain_task_element() {
  static const plain_task one;
  return one;
}

}  // namespace dsf::bpmn
