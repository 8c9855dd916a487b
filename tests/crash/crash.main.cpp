// Many instances over four sites while sites are killed; the last line counts what is right and what is not.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <thread>

#include "tests/crash/crash.hpp"
#include "tests/support/programs.hpp"

using namespace dsf::tests;

namespace {

constexpr std::size_t failures_shown = 100;

int finish(const verdict& v) {
  for (std::size_t i = 0; i < v.failures.size() && i < failures_shown; ++i) fmt::print("failed: {}\n", v.failures[i]);
  if (v.failures.size() > failures_shown) fmt::print("... and {} more\n", v.failures.size() - failures_shown);
  fmt::print("{} passed, {} failed, 0 skipped\n", v.passed, v.failures.size());
  return v.failures.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  crash_run run;
  auto& o = run.options;
  CLI::App app("Kills sites at random while they work, and counts what came of the work.", "dsf_crash");
  std::string folder;
  const std::map<std::string, crash_mode> modes{{"kill", crash_mode::kill},
                                                {"power", crash_mode::power},
                                                {"slow", crash_mode::slow},
                                                {"full", crash_mode::full},
                                                {"errors", crash_mode::errors}};
  std::string mode = "kill";
  app.add_option(
         "--mode", mode,
         "kill (default): what was written stays. power: what was not synced is lost; and so on a disk that is slow, full or errors")
      ->check(CLI::IsMember(modes));
  auto* kills = app.add_option("--kills", o.kills, "not in mode kill: so many kills, at every stage of the work (200)");
  app.add_flag("--short", o.brief, "60 instances, for every change; in other modes than kill 36, and 10 kills");
  auto* instances = app.add_option("--instances", o.instances, "processes to start (500)");
  auto* interval = app.add_option("--seconds", o.seconds_between_kills, "mean time between two kills (1; where they wait for a stage 0.2)");
  auto* rate = app.add_option("--rate", o.starts_per_second, "starts a second (6)");
  app.add_option("--feasibility", o.feasibility_percent, "how many of the starts are feasibility requests, in percent (10)");
  app.add_option("--keep-back", o.kept_back_percent, "answers that senders never get, in percent (2)");
  app.add_option("--patients", o.patients, "patients of a hospital (200)");
  auto* seed = app.add_option("--seed", o.seed, "random by default");
  app.add_option("--port", o.first_port, "first of the ports used (18640)");
  app.add_option("--folder", folder, "kept afterwards; by default a temporary one, which is kept if the test fails");
  CLI11_PARSE(app, argc, argv);
  o.mode = modes.at(mode);
  const bool by_stage = o.mode != crash_mode::kill;
  if (!by_stage && kills->count() > 0) {
    fmt::print(
        stderr,
        "--kills needs --mode power, slow, full or errors: in mode kill the moments are random, and --instances says how long it lasts\n");
    return 2;
  }
  if (by_stage && kills->count() == 0) o.kills = o.brief ? 10 : 200;
  if (by_stage && instances->count() == 0) o.instances = 36;
  if (by_stage && rate->count() == 0) o.starts_per_second = 5;
  if (by_stage && interval->count() == 0) o.seconds_between_kills = 0.2;
  if (o.brief && instances->count() == 0) o.instances = by_stage ? 36 : 60;
  if (o.brief && !by_stage && rate->count() == 0) o.starts_per_second = 4;
  if (seed->count() == 0) o.seed = dsf::base::system_entropy().u64() % 1'000'000'000;
  temp_folder own("crash");
  o.folder = folder.empty() ? own.path() : std::filesystem::absolute(folder);
  fmt::print("seed {}, mode {}, {} instances, {} in {}\n", o.seed, mode, o.instances,
             by_stage ? fmt::format("{} kills", o.kills) : fmt::format("a kill every {} s", o.seconds_between_kills), o.folder.string());
  std::fflush(stdout);

  verdict v;
  const auto keep = [&] {
    if (!v.failures.empty()) ::setenv("DSF_TEST_KEEP", "1", 1);
  };
  const auto measure = set_up(run);
  if (!measure) {
    v.check(false, "the sites can't be set up: " + measure.error().to_string());
    keep();
    return finish(v);
  }
  fmt::print("four sites are ready\n");
  run.began_us = dsf::base::system_clock_source().steady_us();
  // Sites end with the thread that started them, so this one kills and starts them.
  dsf::base::result<> worked;
  std::thread worker([&] {
    worked = start_work(run, *measure);
    run.stop_killing = true;
  });
  std::thread weather([&] { make_weather(run); });
  if (by_stage)
    kill_at_stages(run);
  else
    kill_sites(run);
  worker.join();
  weather.join();
  v.check(worked.has_value(), worked ? "" : worked.error().to_string());
  v.check(run.fatal.empty(), run.fatal);
  v.check(!run.kills.empty(), "no site was killed");
  fmt::print("{:6.1f} s  {} starts of {} instances, {} kills, {} of workers; waiting for the end\n", run.seconds(), run.work.size(),
             o.instances, run.kills.size(), run.worker_kills.size());
  std::fflush(stdout);
  // A site that does not come back is the finding; what the others then wait for is not.
  if (run.fatal.empty()) {
    for (const auto& busy : wait_until_quiet(run)) v.check(false, "never quiet: " + busy);
    fmt::print("{:6.1f} s  counting\n", run.seconds());
    judge(run, v);
  }
  judge_handlers(run, v);
  judge_workers(run, v);
  if (by_stage) judge_stages(run, v);
  run.sites->stop_all();
  if (run.fatal.empty()) judge_stores(run, v);
  keep();
  if (!v.failures.empty()) fmt::print("what the sites left is in {}\n", o.folder.string());
  return finish(v);
}
