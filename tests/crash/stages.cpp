// Kills at each stage, and the disks' weather.
#include "tests/crash/stages.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include "tests/crash/crash.hpp"

namespace dsf::tests {
namespace {

using base::result;
using site::ctl::demo_site;

constexpr std::int64_t ready_timeout_ms = 60'000;
constexpr int looks = 3'000;  // for the stage, a millisecond each; then another one is tried
constexpr unsigned start_interrupted_one_in = 10;

void sleep_s(double s) { ::usleep(static_cast<useconds_t>(s * 1e6)); }

stop_point point_of(stage s) {
  switch (s) {
    case stage::received: return stop_point::received;
    case stage::before_commit: return stop_point::before_commit;
    case stage::committed: return stop_point::committed;
    default: return stop_point::none;
  }
}

// The handlers of a site's log, from `from` on: classes that ran, and jobs that have begun and not ended.
struct handler_lines {
  std::streamoff from = 0;
  std::set<std::string> classes;
  std::map<std::string, std::string> open;  // class by job

  void read(const std::filesystem::path& log) {
    std::ifstream in(log, std::ios::binary);
    in.seekg(from);
    std::string line;
    while (std::getline(in, line) && !in.eof()) {
      from += static_cast<std::streamoff>(line.size()) + 1;
      if (line.find("\"handler-") == line.npos) continue;
      const auto said = base::json::parse(line);
      if (!said) continue;
      const auto& job = (*said)["job"].str();
      if ((*said)["message"].str() == "handler-started") {
        classes.insert((*said)["class"].str());
        open[job] = (*said)["class"].str();
      } else {
        open.erase(job);
      }
    }
  }
};

// Holds one of the handlers that the site has run before, so that its next call stays open until the kill. Of a split site the engine runs them;
// then now and then the endpoint goes while they do.
bool kill_in_a_job(crash_run& run, const site_program& victim, base::entropy& dice) {
  auto& s = *victim.site;
  const auto log = s.folder / "log.jsonl";
  handler_lines lines;
  lines.read(log);
  if (lines.classes.empty()) return false;
  const auto held = *std::next(lines.classes.begin(), static_cast<std::ptrdiff_t>(dice.below(lines.classes.size())));
  if (!s.admin->hold_handler(held, true)) return false;
  lines.open.clear();
  for (int i = 0; i < looks && !run.stop_killing; ++i) {
    lines.read(log);
    if (std::any_of(lines.open.begin(), lines.open.end(), [&](const auto& j) { return j.second == held; })) {
      victim.process().kill_hard();
      // The held handler of the other half goes on then.
      if (victim.endpoint)
        if (const auto released = s.admin->hold_handler(held, false); !released)
          fmt::print("{}: {}\n", s.name, released.error().to_string());
      return true;
    }
    sleep_s(0.001);
  }
  if (const auto released = s.admin->hold_handler(held, false); !released) fmt::print("{}: {}\n", s.name, released.error().to_string());
  return false;
}

bool kill_at(crash_run& run, const site_program& victim, stage at, base::entropy& dice) {
  if (at == stage::job_running) return kill_in_a_job(run, victim, dice);
  // The recorder knows the site; what it sees arrive is committed by the endpoint first, and what it sees leave was sent by the engine.
  run.trap.set({at, victim.site->name, victim.process().pid(), run.disks.at(victim.name()).page, victim.site->split && !victim.endpoint});
  for (int i = 0; i < looks && !run.stop_killing && !run.trap.sprung(); ++i) sleep_s(0.001);
  run.trap.clear();
  return run.trap.sprung();
}

// The one that came least often so far.
stage next_stage(const crash_run& run, const std::array<unsigned, stage_count>& missed, base::entropy& dice) {
  std::array<unsigned, stage_count> count = missed;
  for (const auto& k : run.kills)
    if (k.at_stage) ++count[static_cast<std::size_t>(*k.at_stage)];
  const auto least = *std::min_element(count.begin(), count.end());
  std::vector<stage> rarest;
  for (std::size_t i = 0; i < stage_count; ++i)
    if (count[i] == least) rarest.push_back(static_cast<stage>(i));
  return rarest[dice.below(rarest.size())];
}

result<> bring_back(crash_run& run, const site_program& victim, kill_note& note, base::entropy& dice) {
  auto& s = *victim.site;
  const double killed = run.seconds();
  TRY(start_site(run, s));
  if (dice.below(start_interrupted_one_in) == 0) {
    note.while_starting = true;
    sleep_s(dice.unit() * 0.4);
    victim.process().kill_hard();
    TRY(start_site(run, s));
  }
  TRY(run.sites->wait_until_ready(s, ready_timeout_ms));
  note.back_after_s = run.seconds() - killed;
  const std::lock_guard lock(run.disks_mutex);
  run.disks.at(victim.name()).may_fail = true;
  return {};
}

// How often stores stopped taking writes, and how often they took them again within the same life, by the logs.
std::pair<std::uint64_t, std::uint64_t> read_only_times(crash_run& run) {
  std::uint64_t lost = 0, regained = 0;
  for (const auto& p : programs_of(run)) {
    std::ifstream in(p.folder() / "log.jsonl");
    for (std::string line; std::getline(in, line);) {
      lost += line.find("\"the store turned read-only\"") != line.npos;
      regained += line.find("\"the store takes writes again; ") != line.npos;
    }
  }
  return {lost, regained};
}

}  // namespace

std::string_view name_of(stage s) {
  constexpr std::array<std::string_view, stage_count> names{"received",    "before commit", "committed, not answered",
                                                            "job running", "sending",       "sent, not acknowledged"};
  return names[static_cast<std::size_t>(s)];
}

void stage_trap::set(aim a) {
  const std::lock_guard lock(mutex_);
  aim_ = std::move(a);
  set_ = true;
  killed_ = false;
  aim_.page->fired = stop_point::none;
  watched_.clear();
}

bool stage_trap::sprung() const {
  const std::lock_guard lock(mutex_);
  return killed_ || (aim_.page && point_of(aim_.at) != stop_point::none && aim_.page->fired == point_of(aim_.at));
}

void stage_trap::clear() {
  const std::lock_guard lock(mutex_);
  set_ = false;
  if (aim_.page) aim_.page->armed = stop_point::none;
}

bool stage_trap::spring(const recorded_post& p, stage at) {
  if (!set_ || killed_ || aim_.at != at || p.from != aim_.site) return false;
  ::kill(aim_.pid, SIGKILL);
  return killed_ = true;
}

bool stage_trap::on_request(const recorded_post& p) {
  if (p.outbox_entry.empty()) return false;
  const std::lock_guard lock(mutex_);
  if (const auto point = point_of(aim_.at); set_ && watched_.empty() && point != stop_point::none && p.site == aim_.site) {
    watched_ = p.outbox_entry;
    arm(*aim_.page, point, watched_);
  }
  return spring(p, stage::sending);
}

bool stage_trap::on_answer(const recorded_post& p) {
  if (p.outbox_entry.empty() || (p.status != 200 && p.status != 201)) return false;
  const std::lock_guard lock(mutex_);
  // It was there already and made no commit, or its commit was before: the next one, then.
  const bool over = !aim_.after_answer || p.status == 200;
  if (set_ && over && p.site == aim_.site && p.outbox_entry == watched_ && aim_.page->fired == stop_point::none) {
    aim_.page->armed = stop_point::none;
    watched_.clear();
  }
  return spring(p, stage::sent);
}

std::vector<site_program> programs_of(crash_run& run) {
  std::vector<site_program> out;
  for (auto& s : run.sites->sites) {
    out.push_back({s.get(), false});
    if (s->split) out.push_back({s.get(), true});
  }
  return out;
}

result<> start_site(crash_run& run, demo_site& s) {
  if (run.options.mode == crash_mode::kill) return run.sites->start(s);
  for (const bool endpoint : {true, false}) {
    const site_program p{&s, endpoint};
    if ((endpoint && !s.split) || p.process().running()) continue;
    const std::lock_guard lock(run.disks_mutex);
    auto& disk = run.disks[p.name()];
    const auto file = p.folder() / "disk";
    if (!disk.page) {
      disk.page = TRY(open_control(file));
      disk.page->seed = run.options.seed + s.port + (endpoint ? 1'000 : 0);
    }
    disk.may_fail = false;
    disk.page->armed = stop_point::none;
    disk.page->weather = run.options.mode == crash_mode::slow ? disk_weather::slow : disk_weather::fine;
    ::setenv(power_control_variable, file.c_str(), 1);
    TRY(endpoint ? run.sites->start_endpoint(s) : run.sites->start(s));
  }
  return {};
}

void kill_at_stages(crash_run& run) {
  base::seeded_entropy dice(run.options.seed ^ 0x6b696c6cU);
  std::array<unsigned, stage_count> missed{};
  {
    const std::lock_guard lock(run.disks_mutex);
    for (auto& [name, disk] : run.disks) disk.may_fail = true;
  }
  const auto programs = programs_of(run);
  while (!run.stop_killing) {
    sleep_s(run.options.seconds_between_kills * (0.5 + dice.unit()));
    if (run.stop_killing) return;
    const auto at = next_stage(run, missed, dice);
    const auto victim = programs[dice.below(programs.size())];
    // What leaves a split site is sent by its engine; its endpoint does not know of it.
    if (victim.endpoint && (at == stage::sending || at == stage::sent)) continue;
    auto& s = *victim.site;
    kill_note note{victim.name(), run.seconds(), 0, 0, false, 0, at};
    if (const auto status = s.admin->status()) {
      note.running = status->running_instances;
      note.outbox = status->outbox;
    }
    if (!kill_at(run, victim, at, dice)) {
      if (!victim.process().running()) {
        run.fatal = fmt::format("{} ended although nobody killed it", victim.name());
        run.given_up = true;
        return;
      }
      ++missed[static_cast<std::size_t>(at)];
      fmt::print("{:6.1f} s  {} did not come to the stage \"{}\"\n", run.seconds(), victim.name(), name_of(at));
      continue;
    }
    victim.process().kill_hard();
    const auto back = bring_back(run, victim, note, dice);
    run.kills.push_back(note);
    ++run.killed;
    if (!back) {
      run.fatal = fmt::format("after a kill ({}): {}", name_of(at), back.error().to_string());
      run.given_up = true;
      return;
    }
    // Every stage has its turn again, also those that were not there a while ago.
    if (run.kills.size() % stage_count == 0) missed = {};
    if (run.kills.size() % 10 == 0) {
      fmt::print("{:6.1f} s  {} kills, {} starts\n", run.seconds(), run.kills.size(), run.work.size());
      std::fflush(stdout);
    }
  }
}

void judge_stages(crash_run& run, verdict& v) {
  std::array<unsigned, stage_count> count{};
  for (const auto& k : run.kills)
    if (k.at_stage) ++count[static_cast<std::size_t>(*k.at_stage)];
  std::map<std::string, unsigned> halves;  // of split sites
  for (const auto& s : run.sites->sites)
    if (s->split) halves = {{s->name, 0}, {s->name + " (endpoint)", 0}};
  for (const auto& k : run.kills)
    if (const auto at = halves.find(k.site); at != halves.end()) ++at->second;
  for (const auto& [name, n] : halves) {
    fmt::print("kills of {}: {}\n", name, n);
    if (!run.options.brief) v.check(n > 0, "nobody killed " + name);
  }
  fmt::print("kills by stage:\n");
  for (std::size_t i = 0; i < stage_count; ++i) {
    fmt::print("  {:24} {:4}\n", name_of(static_cast<stage>(i)), count[i]);
    if (!run.options.brief) v.check(count[i] > 0, fmt::format("no site was killed at the stage \"{}\"", name_of(static_cast<stage>(i))));
  }
  v.check(run.options.brief || run.kills.size() >= run.options.kills,
          fmt::format("{} kills instead of {}", run.kills.size(), run.options.kills));
  std::uint64_t syncs = 0, faults = 0;
  for (const auto& [name, disk] : run.disks) {
    syncs += disk.page->syncs;
    faults += disk.page->faults;
  }
  const auto [lost, regained] = read_only_times(run);
  fmt::print(
      "the disks synced {} times and refused {} requests; stores turned read-only {} times and came back {} times without a restart\n",
      syncs, faults, lost, regained);
  v.check(syncs > 0, "no site stood on the test's disk");
  if (run.options.mode == crash_mode::full || run.options.mode == crash_mode::errors) v.check(faults > 0, "no disk ever refused a request");
}

void make_weather(crash_run& run) {
  const auto mode = run.options.mode;
  if (mode != crash_mode::full && mode != crash_mode::errors) return;
  base::seeded_entropy dice(run.options.seed ^ 0x7374726dU);
  const auto programs = programs_of(run);
  while (!run.stop_killing) {
    const auto chosen = programs[dice.below(programs.size())];
    const auto set = [&](disk_weather w) {
      const std::lock_guard lock(run.disks_mutex);
      auto& disk = run.disks.at(chosen.name());
      if (w == disk_weather::fine || disk.may_fail) disk.page->weather = w;
    };
    set(mode == crash_mode::full ? disk_weather::full : disk_weather::errors);
    sleep_s(0.5 + dice.unit() * 2);
    set(disk_weather::fine);
    sleep_s(1 + dice.unit() * 3);
  }
}

}  // namespace dsf::tests
