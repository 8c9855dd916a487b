// A closed loop of process instances: so many under way at once, each begun by a Task that is created at the endpoint.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/engine_site.hpp"

namespace dsf::bench {

enum class life : std::uint8_t {
  one_task,    // start Task, a handler, end
  one_wait,    // start Task, wait, second Task, end
  until_wait,  // start Task, wait; the instance stays
};

struct instance_load {
  life what = life::one_task;
  std::uint64_t count = 0;
  std::uint64_t first_key = 0;     // business_key(first_key) is the first instance's
  unsigned in_flight = 256;
  unsigned threads = 1;            // that prepare Tasks, as the endpoint's io threads do
  bool keep_samples = true;
};

struct load_outcome {
  double seconds = 0;
  std::uint64_t commits = 0;       // of the store, in this time
  std::uint64_t groups = 0;        // = syncs
  std::int64_t cpu_us = 0;         // of this program, the load generator included
  std::vector<std::int64_t> samples_us;
};

// Fails if a Task is refused, or if nothing goes on for a minute.
base::result<load_outcome> run_instances(engine_site& site, const instance_load& load);

}  // namespace dsf::bench
