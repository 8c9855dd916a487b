// The crash test: work over four sites while sites are killed, and the verdict. All state is here; each part is a function of it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/entropy.hpp"
#include "site/ctl/demo/consortium.hpp"
#include "tests/crash/stages.hpp"
#include "tests/power/control.hpp"
#include "tests/support/recorder.hpp"

namespace dsf::tests {

// kill: dsfd itself, killed at random moments. The others: dsfd_power, which loses what was not synced, killed at every stage of the work, on a disk
// that is well, slow, full for a while, or faulty for a while.
enum class crash_mode : std::uint8_t { kill, power, slow, full, errors };

struct crash_options {
  crash_mode mode = crash_mode::kill;
  unsigned kills = 0;  // not in mode kill: work goes on until there were so many
  bool brief = false;
  std::filesystem::path folder;
  std::uint64_t seed = 0;
  unsigned instances = 500;
  unsigned feasibility_percent = 10;
  double seconds_between_kills = 1.0;
  double starts_per_second = 6;
  std::uint32_t patients = 200;
  unsigned kept_back_percent = 2;  // answers to POSTs that the sender never gets
  std::uint16_t first_port = 18'640;
  std::int64_t settle_s = 180;  // after the last start, for all to end
};

// One start as the operator asked for it. A start whose answer was lost may have taken place or not: `certain` is false, and both are right.
struct started_work {
  site::ctl::demo_site* site = nullptr;
  bool feasibility = false;
  bool certain = true;
  std::string business_key;
  std::string task;
};

struct kill_note {
  std::string site;  // the program
  double at_s = 0;
  std::uint64_t running = 0, outbox = 0;  // of the site, when it was asked last
  bool while_starting = false;
  double back_after_s = 0;
  std::optional<stage> at_stage;
};

// A kill of a program that runs handlers (mode kill).
struct worker_kill {
  double at_s = 0;
  std::uint32_t running = 0;  // activations it had when it was asked last
};

// One program of the network: a site, or one half of a split one.
struct site_program {
  site::ctl::demo_site* site = nullptr;
  bool endpoint = false;  // of a split site
  [[nodiscard]] std::string name() const { return site->name + (endpoint ? " (endpoint)" : ""); }
  [[nodiscard]] site::ctl::child& process() const { return endpoint ? site->endpoint_process : site->process; }
  [[nodiscard]] std::filesystem::path folder() const { return endpoint ? site->folder / "endpoint" : site->folder; }
};

// What a program stands on in all modes but kill.
struct site_disk {
  std::shared_ptr<control_page> page;
  bool may_fail = false;  // not while the program starts
};

struct crash_run {
  crash_options options;
  std::unique_ptr<site::ctl::consortium> sites;
  std::vector<std::unique_ptr<recorder>> recorders;  // in the order of the sites
  std::vector<started_work> work;
  std::vector<kill_note> kills;
  std::vector<worker_kill> worker_kills;
  std::atomic<unsigned> killed = 0;
  stage_trap trap;
  std::mutex disks_mutex;
  std::map<std::string, site_disk> disks;  // by program
  std::string fatal;  // why the run was given up; set before given_up
  std::atomic<bool> given_up = false;
  std::atomic<bool> stop_killing = false;
  std::int64_t began_us = 0;
  [[nodiscard]] double seconds() const;
};

struct verdict {
  std::uint64_t passed = 0;
  std::vector<std::string> failures;
  void check(bool right, const std::string& otherwise) {
    if (right)
      ++passed;
    else
      failures.push_back(otherwise);
  }
};

// Sites with recorders in front, patients imported, all ready. Returns the Measure that all requests refer to.
base::result<std::string> set_up(crash_run& run);
// All programs, the halves of a split site one after the other.
std::vector<site_program> programs_of(crash_run& run);
// Starts what does not run of the site's programs, each on its own disk.
base::result<> start_site(crash_run& run, site::ctl::demo_site& s);
// Kills until stop_killing is set.
void kill_sites(crash_run& run);
// The program that runs a site's handlers of ping, killed while it has some under way if that can be caught, and started again.
base::result<> kill_worker(crash_run& run, site::ctl::demo_site& s);
void judge_workers(const crash_run& run, verdict& v);
// The same in the other modes: at each stage in turn, when the site is there. Prints and judges the table.
void kill_at_stages(crash_run& run);
void judge_stages(crash_run& run, verdict& v);
// Lets disks fail and recover until stop_killing is set; they are well when it returns.
void make_weather(crash_run& run);
// Starts what the options say, spread over time, with retries; runs on a thread of its own.
base::result<> start_work(crash_run& run, const std::string& measure);
// Waits until nothing is under way at any site; says what still is after the time limit.
std::vector<std::string> wait_until_quiet(crash_run& run);

void judge(crash_run& run, verdict& v);
// What the stores hold, once all sites have stopped, against the recorders' list and the handlers' lines (stores.cpp).
void judge_stores(crash_run& run, verdict& v);
// What the sites' own logs say about handlers (handler_diary.cpp).
void judge_handlers(crash_run& run, verdict& v);

}  // namespace dsf::tests
