#include "bpmn/model.hpp"

#include <algorithm>

namespace dsf::bpmn {

node_index definition::find(std::string_view id) const {
  const auto it = std::ranges::find(nodes, id, &node::id);
  return it == nodes.end() ? no_node : static_cast<node_index>(it - nodes.begin());
}

}  // namespace dsf::bpmn
