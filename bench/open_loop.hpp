// Requests that come when they come: at a part of the measured peak, with latency from the time at which each was to be sent.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/figure.hpp"
#include "bench/load_client.hpp"

namespace dsf::bench {

// 50, 80 and 95 % of `peak` (a second): one figure each, "NAME.at_50" ...; its limit is the rate offered. The median of `runs`.
base::result<std::vector<figure>> open_loop(const std::string& name, const std::string& unit, double peak, unsigned runs, load_plan plan);

}  // namespace dsf::bench
