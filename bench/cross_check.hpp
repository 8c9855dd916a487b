// Our limits beside what other people's tools measure: a limit that is too low makes a ratio look good.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "bench/figure.hpp"

namespace dsf::bench {

// The part of the other tool's rate that ours must reach.
inline constexpr double cross_check_floor = 0.8;

struct commit_shape {
  double rows = 0;   // of one commit
  double bytes = 0;  // of one commit: keys and values
  unsigned in_flight = 0;
};
// db_bench (Debian's rocksdb-tools): synced random writes of batches of that many rows and bytes, from as many threads as commits were under way.
// Returns commits a second.
base::result<double> db_bench_commits(const std::filesystem::path& folder, const commit_shape& shape, double seconds);

// wrk (Debian's wrk) against an https address. Returns requests a second.
base::result<double> wrk_requests(const std::string& url, unsigned connections, unsigned threads, double seconds);

figure check_figure(const std::string& name, const std::string& unit, double ours, double theirs);

}  // namespace dsf::bench
