// Two to five whole sites, one thread, one seed: what happens next is drawn, time is virtual, and what must hold is looked at after each step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "tests/simulation/fibers.hpp"
#include "tests/simulation/first_store.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/site.hpp"
#include "tests/simulation/sockets.hpp"
#include "tests/simulation/trace.hpp"

namespace dsf::simulation {

struct run_options {
  std::uint64_t seed = 1;
  std::size_t trace_steps = 60;
  bool trace_actors = false;
  std::int64_t correlation_buffer_us = 10 * base::us_per_s;
  std::shared_ptr<base::log_sink> log_sink;
};

struct run_result {
  std::string fault;  // empty: everything held
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  std::int64_t virtual_us = 0;
  unsigned sites = 0, split = 0;  // of them in two halves
  bool hours = false;  // a place may be away for so long
  std::uint64_t socket_breaks = 0;
  unsigned started = 0, crashes = 0, disk_errors = 0, partitions = 0;
  std::uint64_t calls = 0;
  std::string last_steps;
};

class world {
public:
  world(const run_options& options, first_stores& first);
  ~world();
  run_result run();

private:
  // What the seed decides once, so that seeds differ in more than their dice.
  struct plan {
    unsigned sites = 2;
    unsigned split = 0;  // of them; their engines are the places behind the sites
    bool hours = false;
    std::size_t group_commits = 1'000;
    unsigned weight_actor = 4, weight_commit = 4, weight_handler = 4, weight_work = 4, weight_network = 4, weight_link = 4;
    unsigned hurry_per_10000 = 0;  // time passes although there is something to do
    unsigned crashes_per_100000 = 0;
    unsigned partitions_per_100000 = 0;
    unsigned disk_errors_per_100000 = 0;
    unsigned touches_per_10000 = 0;  // somebody else writes a Task of an instance
    std::int64_t faults_until_us = 0;
    network_faults faults;
  };
  struct place {
    unsigned site_number = 0;
    part is = part::whole;
    std::unique_ptr<fibers> bodies;  // of a half
    std::unique_ptr<base::seeded_entropy> entropy;
    std::shared_ptr<storage::memory_kv> rows;
    std::unique_ptr<site_transport> transport;
    std::unique_ptr<site_parts> site;  // null: down
    std::int64_t up_again_us = 0;  // of a site that is down, or whose disk takes no writes
    bool engine_down = false;  // because of the disk
    std::uint64_t answered = 0;  // the newest commit that was answered
    std::uint64_t life = 0;
  };

  [[nodiscard]] std::int64_t now_us() const { return clock_.now().us - begin_us; }
  [[nodiscard]] bool one_in(unsigned of_100000) { return of_100000 > 0 && dice_.below(100'000) < of_100000; }
  bool draw_step();
  void run_commits(unsigned n);
  void pass_time(bool little);
  void faults();
  void crash(unsigned n);
  void start(unsigned n);
  [[nodiscard]] std::int64_t outage_us(std::int64_t otherwise_us);
  void open_socket(unsigned from, net::websocket_handlers handlers, std::function<void(net::result<net::websocket>)> done);
  void look_after(unsigned n);
  void end_of_faults();
  void client();
  void touch_task(unsigned n);
  void post(std::size_t item);
  void record(const char* what, std::uint64_t site, std::uint64_t a = 0, std::uint64_t b = 0) { trace_.add({now_us(), what, site, a, b}); }

  run_options options_;
  first_stores* first_;
  base::seeded_entropy dice_;
  base::manual_clock clock_{{begin_us}};
  trace trace_;
  plan plan_;
  ledger ledger_;
  network network_;
  sockets sockets_;
  std::vector<place> places_;
  std::vector<work_item> items_;
  std::int64_t parted_until_us_ = 0;
  bool faulty_ = true;
  run_result result_;
};

}  // namespace dsf::simulation
