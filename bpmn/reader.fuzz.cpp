// Reads any text as a model: no crash, no hang; what is accepted keeps the invariants that the execution relies on.
#include <cstdlib>

#include "bpmn/lint.hpp"
#include "bpmn/model.hpp"

namespace {
void check(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::bpmn;
  const auto file = read_bpmn({reinterpret_cast<const char*>(data), size}, "fuzz.bpmn", {.max_bytes = 256u << 10});
  if (!file) {
    check(!file.error().text().empty());
    return 0;
  }
  for (const auto& d : *file) {
    for (node_index i = 0; i < d->nodes.size(); ++i) {
      const auto& n = d->nodes[i];
      check(d->find(n.id) == i && n.line > 0);
      for (const auto f : n.outgoing)
        check(f < d->flows.size() && d->flows[f].source == i && d->nodes[d->flows[f].target].parent == n.parent);
      check((n.kind == node_kind::boundary_event) == (n.attached_to != no_node));
      check((n.kind == node_kind::sub_process) == (n.start != no_node));
    }
  }
  (void)lint(*file, "1.0");
  return 0;
}
