#include <fmt/format.h>

#include <algorithm>

#include "bpmn/reader_process.hpp"

namespace dsf::bpmn {
namespace {

struct rules {
  const definition& d;
  const model_places& places;

  base::failure bad(node_index n, std::string text) const { return base::fail(errc::bad_model, std::move(text), places.nodes[n]); }

  base::result<> starts() const {
    std::size_t none = 0;
    std::vector<std::string_view> messages;
    for (const auto index : d.starts) {
      const auto& event = d.nodes[index].event;
      if (event.kind == event_kind::none && ++none > 1) return bad(index, "the process has two none start events; one is enough");
      if (event.kind != event_kind::message || event.name.empty()) continue;
      if (std::ranges::find(messages, event.name) != messages.end())
        return bad(index, fmt::format("two start events of the process wait for message {}", event.name));
      messages.push_back(event.name);
    }
    if (d.starts.empty()) return base::fail(errc::bad_model, "the process has no start event", places.process);
    return {};
  }

  base::result<> exclusive(node_index index, const node& n) const {
    if (n.outgoing.empty()) return bad(index, "the exclusive gateway has no outgoing sequence flow");
    if (n.default_flow != no_flow && d.flows[n.default_flow].condition)
      return base::fail(errc::bad_model, "the default flow of an exclusive gateway has no condition of its own; remove it",
                        places.flows[n.default_flow]);
    return {};
  }

  // engine 1b: only intermediate catch events stand behind an event-based gateway, and no other flow leads into them.
  base::result<> event_based(node_index index, const node& n) const {
    if (n.outgoing.empty()) return bad(index, "the event-based gateway has no outgoing sequence flow");
    for (const auto f : n.outgoing) {
      const auto& target = d.nodes[d.flows[f].target];
      if (target.kind != node_kind::intermediate_catch_event)
        return bad(index, fmt::format("behind an event-based gateway only intermediate catch events can stand, not {}", target.id));
      if (target.incoming.size() > 1)
        return bad(index, fmt::format("{} stands behind an event-based gateway, so no other sequence flow may lead into it", target.id));
    }
    return {};
  }

  base::result<> check(node_index index) const {
    const auto& n = d.nodes[index];
    switch (n.kind) {
      case node_kind::exclusive_gateway: return exclusive(index, n);
      case node_kind::event_based_gateway: return event_based(index, n);
      case node_kind::boundary_event:
        if (!n.incoming.empty()) return bad(index, "a boundary event has no incoming sequence flow");
        return {};
      default: return {};
    }
  }
};

}  // namespace

base::result<> check_rules(const definition& d, const model_places& places) {
  const rules r{d, places};
  TRY(r.starts());
  for (node_index i = 0; i < d.nodes.size(); ++i) TRY(r.check(i));
  return {};
}

}  // namespace dsf::bpmn
