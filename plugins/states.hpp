// States of processes and what a change of state does to their resources (dsf-bpe 3.6). Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/bundle.hpp"

namespace dsf::plugins {

// In the order of priority: of a resource that several processes have, the liveliest state counts.
enum class state : std::uint8_t { new_, missing, excluded, retired, draft, active };
std::string_view to_string(state s) noexcept;
// One of the four that are stored.
std::optional<state> stored_state(std::string_view text);

enum class resource_action : std::uint8_t {
  none,
  look,    // create it if it is missing
  create,
  update,  // create it if it is missing
  remove,
};
resource_action action_for(state from, state to) noexcept;

// What a deployment has put onto the endpoint for a process.
struct recorded_resource {
  std::string type;
  std::string criteria;
  bool operator==(const recorded_resource&) const = default;
};

struct process_change {
  std::string name;  // key|version
  state from = state::new_;
  state to = state::active;
  const bundle* plugin = nullptr;           // null: no plugin provides it any more
  const bundle_process* content = nullptr;
  std::optional<std::vector<recorded_resource>> recorded;  // not known: never deployed, or by a release that kept no record
};

struct resource_change {
  std::string type;
  std::string criteria;
  resource_action action = resource_action::none;
  state to = state::active;
  const bundle_resource* content = nullptr;   // null: no plugin brings it any more
  std::vector<const bundle*> plugins;         // that have it; empty: nobody
};

// In the order of the bundle: removals, then as resources refer to one another.
std::vector<resource_change> plan_resources(std::span<const process_change> processes);

}  // namespace dsf::plugins
