// The commit limit: the store's own pipeline, fed with commits that were made before, of the same operations and bytes as real instances make.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/engine_site.hpp"
#include "bench/instance_load.hpp"
#include "storage/commit.hpp"

namespace dsf::bench {

// The commits of one instance in order, taken down while it lived once in a site without engine.
struct recorded_life {
  std::vector<storage::commit> commits;
  std::vector<int> inbox_from;  // for each: the commit whose inbox row it takes, or -1
  std::string key;  // business key
  std::vector<base::uuid> tasks;
  std::uint64_t instance = 0;
  std::vector<std::string> inbox_rows;  // keys of the rows taken, in order
};

base::result<recorded_life> record(engine_site& site, life what);

struct limit_outcome {
  double commits_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
};

// `count` instances at `in_flight` at once, each with one commit under way. Making the commits is not timed.
base::result<limit_outcome> commit_limit(engine_site& site, const recorded_life& life, std::uint64_t count, unsigned in_flight);

}  // namespace dsf::bench
