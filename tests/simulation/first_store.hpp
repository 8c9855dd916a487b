// The store of a site that has just been set up: made once for each site, and copied for every run.
#pragma once

#include <memory>
#include <vector>

#include "actors/definitions.hpp"
#include "base/result.hpp"
#include "plugins/handler.hpp"
#include "storage/memory_kv.hpp"

namespace dsf::simulation {

struct first_store {
  std::shared_ptr<storage::memory_kv> rows;
  std::unique_ptr<actors::definitions> processes;
};

struct first_stores {
  plugins::handler_registry handlers;
  // [n][i]: of site i among n sites.
  std::vector<std::vector<first_store>> of;
};

// With resources of the release, the allow-list of all sites, and the bundles deployed. Every time the same.
base::result<> make_first_stores(unsigned sites, first_stores& into);

}  // namespace dsf::simulation
