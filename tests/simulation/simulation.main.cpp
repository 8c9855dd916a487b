// dsf_simulation: runs seeds and says which of them found something. See README.md.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "processes/register.hpp"
#include "tests/simulation/handlers.hpp"
#include "tests/simulation/world.hpp"

namespace {

using namespace dsf;
using namespace dsf::simulation;

struct stderr_sink final : base::log_sink {
  void line(std::string_view text) override { fmt::print(stderr, "{}\n", text); }
};

void tell(std::uint64_t seed, const run_result& r) {
  fmt::print(
      "FAILED seed {}: {}\n  {} sites ({} of them split{}), {} processes started, {} crashes, {} disk errors, {} partitions, {} calls, {} "
      "steps, {:.1f} s of "
      "virtual time, "
      "trace {:016x}\n",
      seed, r.fault, r.sites, r.split, r.hours ? ", away for hours" : "", r.started, r.crashes, r.disk_errors, r.partitions, r.calls,
      r.steps, static_cast<double>(r.virtual_us) / 1e6, r.hash);
  fmt::print("  the last steps:\n{}  again: tests/simulation/run --from {} --seeds 1 --log\n", r.last_steps, seed);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 100, from = 1, repeat_every = 50, trace_steps = 60, buffer_s = 10;
  unsigned part = 0, parts = 1;
  bool log = false, actors = false, verbose = false, until_found = false;
  CLI::App app{"Whole sites on one thread, from one seed"};
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--from", from, "the first");
  app.add_option("--repeat-every", repeat_every, "run one seed in so many twice; its trace must be the same (0: none)");
  app.add_option("--correlation-buffer", buffer_s, "seconds for which a Task that nobody waits for is kept");
  app.add_option("--steps", trace_steps, "steps shown of a run that failed");
  app.add_option("--part", part, "of the seeds run those with this remainder");
  app.add_option("--parts", parts, "by this number");
  app.add_flag("--actors", actors, "show the actors' steps, too");
  app.add_flag("--log", log, "the sites' logs, on stderr");
  app.add_flag("--verbose", verbose, "one line a seed");
  app.add_flag("--until-found", until_found, "stop at the first seed that fails");
  CLI11_PARSE(app, argc, argv);

  first_stores first;
  processes::register_handlers(first.handlers);
  add_handlers(first.handlers);
  for (unsigned n = 2; n <= sites_at_most; ++n)
    if (const auto made = make_first_stores(n, first); !made) {
      fmt::print("the sites can't be set up: {}\n0 passed, 1 failed, 0 skipped\n", made.error().to_string());
      return 1;
    }
  std::uint64_t passed = 0, failed = 0, crashes = 0, disk_errors = 0, partitions = 0, steps = 0, started = 0, split = 0, hours = 0,
                breaks = 0;
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    if (seed % parts != part) continue;
    run_options options;
    options.seed = seed;
    options.trace_steps = trace_steps;
    options.trace_actors = actors;
    options.correlation_buffer_us = static_cast<std::int64_t>(buffer_s) * base::us_per_s;
    if (log) options.log_sink = std::make_shared<stderr_sink>();
    const auto one = [&] {
      world w(options, first);
      return w.run();
    };
    auto r = one();
    if (r.fault.empty() && repeat_every > 0 && seed % repeat_every == 0)
      if (const auto again = one(); again.hash != r.hash || again.steps != r.steps) {
        r.fault = fmt::format("a second run took another way: {} steps with trace {:016x}", again.steps, again.hash);
      }
    crashes += r.crashes;
    partitions += r.partitions;
    disk_errors += r.disk_errors;
    steps += r.steps;
    started += r.started;
    split += r.split;
    hours += r.hours ? 1 : 0;
    breaks += r.socket_breaks;
    if (verbose)
      fmt::print("seed {}: {} sites, {} split{}, {} started, {} crashes, {} partitions, {} steps, {:.1f} s, trace {:016x}\n", seed, r.sites,
                 r.split, r.hours ? " for hours" : "", r.started, r.crashes, r.partitions, r.steps, static_cast<double>(r.virtual_us) / 1e6,
                 r.hash);
    if (r.fault.empty()) {
      ++passed;
    } else {
      ++failed;
      tell(seed, r);
      if (until_found) break;
    }
    std::fflush(stdout);
  }
  fmt::print(
      "{} processes started, {} crashes, {} disk errors, {} partitions, {} steps; {} split sites, {} runs with outages of hours, {} broken "
      "WebSockets\n",
      started, crashes, disk_errors, partitions, steps, split, hours, breaks);
  fmt::print("{} passed, {} failed, 0 skipped\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
