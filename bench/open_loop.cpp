#include "bench/open_loop.hpp"

#include <fmt/format.h>

namespace dsf::bench {
namespace {

constexpr int percents[] = {50, 80, 95};

}  // namespace

base::result<std::vector<figure>> open_loop(const std::string& name, const std::string& unit, double peak, unsigned runs, load_plan plan) {
  std::vector<figure> out;
  for (const auto percent : percents) {
    std::vector<figure> all;
    for (unsigned run = 0; run < runs; ++run) {
      plan.rate = peak * percent / 100;
      auto got = TRY(run_load(plan));
      figure f;
      f.name = fmt::format("{}.at_{}", name, percent);
      f.unit = unit;
      f.value = static_cast<double>(got.exchanges) / got.seconds;
      f.limit = plan.rate;
      f.ratio = f.value / f.limit;
      set_latencies(f, got.samples_us);
      f.more = {{"offered", plan.rate}, {"percent_of_peak", percent}, {"connections", plan.connections}};
      all.push_back(std::move(f));
    }
    out.push_back(median_of(all));
  }
  return out;
}

}  // namespace dsf::bench
