// The worker of one site: killed beside the sites, and started again.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/crash/crash.hpp"

namespace dsf::tests {
namespace {

constexpr double look_s = 2.5;  // longer than from one burst of starts to the next

// Activations that the site's workers have just now.
std::uint32_t under_way(site::ctl::demo_site& s) {
  const auto known = s.admin->workers();
  if (!known) return 0;
  std::uint32_t n = 0;
  for (const auto& w : known->workers) n += w.running;
  return n;
}

}  // namespace

base::result<> kill_worker(crash_run& run, site::ctl::demo_site& s) {
  worker_kill note;
  for (const double until = run.seconds() + look_s; note.running == 0 && !run.stop_killing && run.seconds() < until;) {
    note.running = under_way(s);
    if (note.running == 0) ::usleep(500);
  }
  if (run.stop_killing && note.running == 0 && !run.worker_kills.empty()) return {};
  s.worker.kill_hard();
  note.at_s = run.seconds();
  run.worker_kills.push_back(note);
  // Its site takes it when both are there; work goes on meanwhile, and so do the kills.
  return run.sites->start_worker(s);
}

void judge_workers(const crash_run& run, verdict& v) {
  if (run.options.mode != crash_mode::kill) return;
  const auto at_work = std::count_if(run.worker_kills.begin(), run.worker_kills.end(), [](const auto& k) { return k.running > 0; });
  std::uint64_t sessions = 0, lost = 0;
  for (const auto& s : run.sites->sites) {
    if (!s->has_worker) continue;
    std::ifstream in(s->folder / "log.jsonl");
    for (std::string line; std::getline(in, line);) {
      if (line.find("\"workers\"") == line.npos) continue;
      const auto said = base::json::parse(line);
      if (!said) continue;
      const auto& message = (*said)["message"].str();
      sessions += message == "a worker is connected";
      if (message == "a worker's session ended") lost += static_cast<std::uint64_t>((*said)["lost"].int_or(0));
    }
  }
  fmt::print("workers      worker_kills={} ({} while they had activations), {} sessions, {} activations lost with a session\n",
             run.worker_kills.size(), at_work, sessions, lost);
  v.check(!run.worker_kills.empty(), "no worker was killed");
  v.check(run.options.brief || at_work > 0, "no worker was killed while it had activations");
  v.check(run.worker_kills.empty() || sessions > 1, "no worker came back after a kill");
}

}  // namespace dsf::tests
