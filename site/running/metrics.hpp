// What /metrics shows of a running site. The names are in site/metrics/families.cpp.
#pragma once

#include <string>

#include "site/metrics/http_counts.hpp"
#include "site/running/certificate_watch.hpp"
#include "site/running/queue_counts.hpp"

namespace dsf::site {

struct metrics_state {
  explicit metrics_state(std::string base_path) : http(std::move(base_path)) {}
  http_counts http;
  queue_watch queues;
  certificate_watch certificates;
};

}  // namespace dsf::site
