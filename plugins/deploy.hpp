// Deployment: definitions into the store, resources onto the own endpoint, states as settings and operators say (dsf-bpe 3.6).
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "actors/definitions.hpp"
#include "base/log.hpp"
#include "plugins/bundle.hpp"
#include "plugins/states.hpp"
#include "storage/store.hpp"

namespace dsf::plugins {

struct deployment_settings {
  std::set<std::string> retired;   // key|version
  std::set<std::string> excluded;
};

struct deployment {
  std::vector<std::string> processes;  // key|version
  std::size_t resources = 0;           // created, changed or removed
};

struct deployed_state {
  state now = state::active;
  std::string because;  // "" for active
};

struct applied {
  std::map<std::string, deployed_state> processes;              // all that the store knows
  std::map<const bundle*, std::vector<std::string>> refused;  // what the endpoint said against a plugin; its processes stay as they were
  std::size_t resources = 0;
};

struct deploy_parts {
  storage::store& store;
  actors::definitions& definitions;
  fhir_client* endpoint;  // acts as the local organisation; null: it is not there yet, so only definitions are made known
  const base::logger& log;
};

// Every definition that the store knows becomes known to the engine, so that old instances go on; none becomes startable.
base::result<> load_definitions(storage::store& store, actors::definitions& into);

// Brings the site from the states that are stored to what plugins, settings and operators want. `all`: processes that no plugin of
// `plugins` provides become excluded. A process that stands in several plugins is the first one's. Blocks. An error that is
// no refusal of the endpoint: to be tried again.
base::result<applied> apply(std::span<const bundle* const> plugins, bool all, const deployment_settings& settings,
                            const deploy_parts& with);

// One plugin, beside what is there.
base::result<deployment> deploy(const bundle& b, const deployment_settings& settings, storage::store& store, actors::definitions& into,
                                fhir_client& endpoint, const base::logger& log);

// What an operator wants of a process, durably: retired, excluded, or (state::active) nothing special.
base::result<> remember_wish(storage::store& store, const std::string& process, state wish);
// The states that are stored, by key|version.
base::result<std::map<std::string, state>> stored_states(storage::store& store);

}  // namespace dsf::plugins
