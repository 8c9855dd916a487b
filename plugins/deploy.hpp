// Deployment of a bundle: definitions into the store, resources onto the own endpoint, states as the site's settings say (dsf-bpe 3.6).
#pragma once

#include <set>
#include <string>

#include "actors/definitions.hpp"
#include "base/log.hpp"
#include "plugins/bundle.hpp"
#include "storage/store.hpp"

namespace dsf::plugins {

struct deployment_settings {
  std::set<std::string> retired;   // key|version
  std::set<std::string> excluded;
};

struct deployment {
  std::vector<std::string> processes;  // key|version
  std::size_t resources = 0;           // created or changed
};

// Every definition that the store knows becomes known to the engine, so that old instances go on; none becomes startable.
base::result<> load_definitions(storage::store& store, actors::definitions& into);

// `endpoint` acts as the local organisation. Blocks.
base::result<deployment> deploy(const bundle& b, const deployment_settings& settings, storage::store& store, actors::definitions& into,
                                fhir_client& endpoint, const base::logger& log);

// The two halves of it, for an engine whose endpoint is another program: the first needs no endpoint, the second can be done again.
base::result<> deploy_definitions(const bundle& b, const deployment_settings& settings, storage::store& store, actors::definitions& into);
base::result<deployment> deploy_resources(const bundle& b, const deployment_settings& settings, fhir_client& endpoint,
                                          const base::logger& log);

}  // namespace dsf::plugins
