// What /metrics shows of a running site. The names are in site/metrics/families.cpp.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "site/metrics/http_counts.hpp"
#include "site/running/queue_counts.hpp"

namespace dsf::site {

struct metrics_state {
  explicit metrics_state(std::string base_path) : http(std::move(base_path)) {}
  http_counts http;
  queue_watch queues;
  std::mutex certificates_mutex;
  std::vector<std::pair<std::string, base::timestamp>> certificates;  // which, and when it ends
};

}  // namespace dsf::site
