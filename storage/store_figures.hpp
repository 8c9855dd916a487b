// What a store counts beside its status, for metrics. Lives as long as the store object, over reopen() too.
#pragma once

#include <array>
#include <cstdint>

#include "base/histogram.hpp"
#include "storage/kv.hpp"

namespace dsf::storage {

struct store_figures {
  base::histogram_counts commit_us;  // of accepted commits, from submit() to the answer
  base::histogram_counts sync_us;    // of a group: writing and syncing it
  base::histogram_counts group_commits;
  std::uint64_t rows = 0;            // put and erased by accepted commits
  std::array<std::uint64_t, family_count> family_bytes{};  // on the disk; 0 while the store is opened again
};

}  // namespace dsf::storage
