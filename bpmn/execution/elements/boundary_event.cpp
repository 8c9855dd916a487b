#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

// It has fired already (catching.cpp, faults.cpp): the token only passes.
class boundary_event final : public element {
  base::result<> execute(machine& m, local_id execution, node_index n) const override {
    m.go(execution, stage::finish, n);
    return {};
  }
};

}  // namespace

const element& boundary_event_element() {
  static const boundary_event one;
  return one;
}

}  // namespace dsf::bpmn
