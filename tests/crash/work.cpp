// Starting the work, killing the sites meanwhile, and waiting for the end.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/uuid.hpp"
#include "tests/crash/crash.hpp"

namespace dsf::tests {
namespace {

using base::result;
using site::ctl::demo_site;

constexpr std::int64_t ready_timeout_ms = 60'000;
constexpr std::int64_t call_timeout_ms = 10'000;
constexpr std::int64_t give_up_s = 120;      // on one start
constexpr unsigned kills_after_last_start = 3;
constexpr unsigned burst = 12;
constexpr unsigned instances_a_kill = 30;  // at most
constexpr unsigned worker_kill_one_in = 4;  // of all kills; the first of them early, so that a short run has one too
constexpr int looks_for_work = 200;  // before a kill; most processes of the test last some ten milliseconds
const std::string ping_process = "dsfdev_ping|1.0";
const std::string request_process = "medizininformatik-initiativede_feasibilityRequest|1.0";
const std::string feasibility_codes = "http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility";

void sleep_s(double s) { ::usleep(static_cast<useconds_t>(s * 1e6)); }

// A key whose start failed is never used again: the start may have taken place.
result<> start_one(crash_run& run, demo_site& at, bool feasibility, const std::string& measure) {
  std::string last;
  for (const double until = run.seconds() + give_up_s; run.seconds() < until; sleep_s(0.1)) {
    if (run.given_up) return base::fail(base::errc::internal, "no more starts: a site did not come back");
    site::start_request r;
    r.business_key = base::uuid::random(base::system_entropy()).to_string();
    if (feasibility) {
      r.process = request_process;
      r.inputs = {{feasibility_codes, "measure-reference", "reference", measure}};
    } else {
      r.process = ping_process;
      r.message = "startPing";
    }
    site::admin_client admin(at.socket(), call_timeout_ms);
    const auto started = admin.start_task(r);
    run.work.push_back({&at, feasibility, started.has_value(), r.business_key, started ? started->task : ""});
    if (started) return {};
    last = started.error().to_string();
  }
  return base::fail(base::errc::internal, fmt::format("{} takes no start for {} s: {}", at.name, give_up_s, last));
}

std::optional<std::int64_t> total(crash_run& run, demo_site& s, const std::string& query) {
  const auto found = run.sites->read(s, query);
  if (!found) return std::nullopt;
  return (*found)["total"].int_or(-1);
}

}  // namespace

double crash_run::seconds() const { return static_cast<double>(base::system_clock_source().steady_us() - began_us) / 1e6; }

result<> start_work(crash_run& run, const std::string& measure) {
  base::seeded_entropy dice(run.options.seed);
  // Instances that were asked for, and as many as it takes until all kills were.
  const auto limit = run.options.instances + run.options.kills * instances_a_kill;
  for (unsigned n = 0; n < limit && !run.given_up && (n < run.options.instances || run.killed < run.options.kills); ++n) {
    const bool feasibility = dice.below(100) < run.options.feasibility_percent;
    auto& at = feasibility ? *run.sites->sites.front() : *run.sites->sites[dice.below(run.sites->sites.size())];
    TRY(start_one(run, at, feasibility, measure));
    // In bursts, so that sites have more to do than they can do at once.
    if ((n + 1) % burst != 0) continue;
    if (run.options.kills > 0) {
      sleep_s(burst / run.options.starts_per_second);
      continue;
    }
    const double due = (n + 1) / run.options.starts_per_second;
    if (due > run.seconds()) sleep_s(due - run.seconds());
  }
  sleep_s(std::min(5.0, kills_after_last_start * run.options.seconds_between_kills));
  return {};
}

void kill_sites(crash_run& run) {
  base::seeded_entropy dice(run.options.seed ^ 0x6b696c6cU);
  const auto with_worker = std::find_if(run.sites->sites.begin(), run.sites->sites.end(), [](const auto& s) { return s->has_worker; });
  for (unsigned turn = 0; !run.stop_killing; ++turn) {
    // Evenly between half and three halves of the time asked for.
    sleep_s(run.options.seconds_between_kills * (0.5 + dice.unit()));
    if (run.stop_killing) return;
    if (turn % worker_kill_one_in == 1 && with_worker != run.sites->sites.end()) {
      if (const auto back = kill_worker(run, **with_worker); !back) {
        run.fatal = "after a kill of a worker: " + back.error().to_string();
        run.given_up = true;
        return;
      }
      continue;
    }
    auto& s = *run.sites->sites[dice.below(run.sites->sites.size())];
    kill_note note{s.name, run.seconds(), 0, 0, false, 0, std::nullopt};
    for (int i = 0; i < looks_for_work && note.running == 0 && note.outbox == 0 && !run.stop_killing; ++i) {
      if (i > 0) sleep_s(0.002);
      const auto status = s.admin->status();
      if (!status) break;
      note.running = status->running_instances;
      note.outbox = status->outbox;
    }
    // Of a split site now the one half, now the other.
    auto& half = s.split && dice.below(2) == 0 ? s.endpoint_process : s.process;
    if (&half == &s.endpoint_process) note.site += " (endpoint)";
    half.kill_hard();
    const double killed = run.seconds();
    auto back = start_site(run, s);
    // Recovery itself is interrupted now and then.
    if (back && dice.below(8) == 0) {
      note.while_starting = true;
      sleep_s(dice.unit() * 0.4);
      half.kill_hard();
      back = start_site(run, s);
    }
    if (back) back = run.sites->wait_until_ready(s, ready_timeout_ms);
    note.back_after_s = run.seconds() - killed;
    run.kills.push_back(note);
    if (!back) {
      run.fatal = "after a kill: " + back.error().to_string();
      run.given_up = true;
      return;
    }
    if (run.kills.size() % 10 == 0) fmt::print("{:6.1f} s  {} kills, {} starts\n", run.seconds(), run.kills.size(), run.work.size());
    std::fflush(stdout);
  }
}

std::vector<std::string> wait_until_quiet(crash_run& run) {
  std::vector<std::string> busy;
  int quiet = 0;
  for (const double until = run.seconds() + static_cast<double>(run.options.settle_s); quiet < 3; sleep_s(0.25)) {
    busy.clear();
    for (auto& s : run.sites->sites) {
      const auto status = s->admin->status();
      const auto requested = total(run, *s, "Task?status=requested&_count=1"),
                 in_progress = total(run, *s, "Task?status=in-progress&_count=1");
      if (!status || !requested || !in_progress) {
        busy.push_back(s->name + " does not answer: " + (status ? "FHIR" : status.error().to_string()));
        continue;
      }
      if (*requested != 0 || *in_progress != 0 || status->running_instances != 0 || status->outbox != 0)
        busy.push_back(fmt::format("{}: {} Tasks requested, {} in-progress, {} instances running, {} messages to send", s->name, *requested,
                                   *in_progress, status->running_instances, status->outbox));
    }
    quiet = busy.empty() ? quiet + 1 : 0;
    if (run.seconds() > until) break;
  }
  return busy;
}

}  // namespace dsf::tests
