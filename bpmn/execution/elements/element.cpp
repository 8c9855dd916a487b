#include "bpmn/execution/elements/element.hpp"

#include <algorithm>

namespace dsf::bpmn {

base::result<> element::triggered(machine& m, local_id execution, node_index n, node_index) const {
  return base::fail(errc::bug, "execution " + std::to_string(execution) + " waits for nothing that can happen", m.node_at(n).id);
}

const element& element_of(node_kind kind) {
  switch (kind) {
    case node_kind::start_event: return start_event_element();
    case node_kind::end_event: return end_event_element();
    case node_kind::intermediate_catch_event: return catch_event_element();
    case node_kind::intermediate_throw_event: return throw_event_element();
    case node_kind::boundary_event: return boundary_event_element();
    case node_kind::service_task: return service_task_element();
    case node_kind::send_task: return send_task_element();
    case node_kind::receive_task: return receive_task_element();
    case node_kind::user_task: return user_task_element();
    case node_kind::manual_task:
    case node_kind::task: return plain_task_element();
    case node_kind::exclusive_gateway: return exclusive_gateway_element();
    case node_kind::parallel_gateway: return parallel_gateway_element();
    case node_kind::event_based_gateway: return event_based_gateway_element();
    case node_kind::sub_process: return sub_process_element();
  }
  return plain_task_element();
}

bool has_scope(const definition& d, const node& n) {
  if (element_of(n.kind).scope(d, n)) return true;
  return !n.loop && (!n.boundary.empty() || !n.inputs.empty() || !n.outputs.empty());
}

bool behind_event_gateway(const definition& d, const node& n) {
  return std::ranges::any_of(n.incoming, [&](flow_index f) { return d.nodes[d.flows[f].source].kind == node_kind::event_based_gateway; });
}

}  // namespace dsf::bpmn
