#include "bench/instance_load.hpp"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <thread>
#include <unordered_map>

#include "bench/machine.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

constexpr auto patience = std::chrono::seconds(60);

class runner {
public:
  runner(engine_site& site, const instance_load& load) : site_(&site), load_(load), clock_(&base::system_clock_source()) {}

  result<load_outcome> run() {
    const auto slots = static_cast<std::size_t>(std::min<std::uint64_t>(load_.in_flight, load_.count));
    began_.resize(slots);
    keys_.resize(slots);
    if (load_.keep_samples) out_.samples_us.reserve(load_.count);
    site_->watch([this](std::span<const storage::feed_entry> entries) { seen(entries); });
    const auto before = site_->store().status();
    const auto cpu = own_cpu_us();
    const auto from = clock_->steady_us();
    for (std::size_t i = 0; i < slots; ++i) jobs_.push_back({job::kind::start, i});
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < load_.threads; ++i) threads.emplace_back([this] { drive(); });
    bool stalled = false;
    {
      std::unique_lock lock{mutex_};
      for (std::uint64_t last = 0; done_ < load_.count && failure_.empty(); last = done_) {
        ended_.wait_for(lock, patience, [&] { return done_ == load_.count || !failure_.empty(); });
        stalled = done_ == last && done_ < load_.count;
        if (stalled) break;
      }
      stopping_ = true;
    }
    work_.notify_all();
    for (auto& t : threads) t.join();
    out_.seconds = static_cast<double>(clock_->steady_us() - from) / 1e6;
    out_.cpu_us = own_cpu_us() - cpu;
    const auto after = site_->store().status();
    out_.commits = after.commits - before.commits;
    out_.groups = after.groups - before.groups;
    site_->watch(nullptr);
    if (!failure_.empty()) return fail(base::errc::io, "a Task was refused: " + failure_);
    if (stalled) return fail(base::errc::io, fmt::format("nothing went on for a minute after {} of {} instances", done_, load_.count));
    return std::move(out_);
  }

private:
  struct job {
    enum class kind : std::uint8_t { start, go_on };
    kind what = kind::start;
    std::size_t slot = 0;
  };

  void drive() {
    std::vector<job> mine;
    for (;;) {
      {
        std::unique_lock lock{mutex_};
        work_.wait(lock, [&] { return !jobs_.empty() || stopping_; });
        if (stopping_) return;
        // A few at a time, so that the threads share what is there.
        const auto take = std::max<std::size_t>(1, jobs_.size() / load_.threads);
        mine.assign(jobs_.end() - static_cast<std::ptrdiff_t>(take), jobs_.end());
        jobs_.resize(jobs_.size() - take);
        for (auto& j : mine)
          if (j.what == job::kind::start) keys_[j.slot] = next_++;
      }
      for (const auto& j : mine) post(j);
    }
  }

  void post(const job& j) {
    const bool start = j.what == job::kind::start;
    if (start && keys_[j.slot] >= load_.count) return;  // the last instances are under way
    if (start) began_[j.slot] = clock_->steady_us();
    const auto kind = !start ? task_kind::go_on : load_.what == life::one_task ? task_kind::start_one_task : task_kind::start_one_wait;
    site_->post_task(task_text(kind, business_key(load_.first_key + keys_[j.slot])), [this, start, slot = j.slot](fhir::reply r) {
      const auto id = created_id(r);
      const std::lock_guard lock{mutex_};
      if (!id) {
        failure_ = describe(r);
        ended_.notify_all();
      } else if (start) {
        slot_of_.emplace(*id, slot);
      }
    });
  }

  // On the commit thread, after the answers of the same group.
  void seen(std::span<const storage::feed_entry> entries) {
    const auto now = clock_->steady_us();
    bool more = false, over = false;
    {
      const std::lock_guard lock{mutex_};
      for (const auto& e : entries)
        for (const auto& change : e.resources) {
          if (change.version < 2 || change.type != "Task") continue;
          const auto at = slot_of_.find(change.id);
          if (at == slot_of_.end()) continue;  // a second Task
          const auto slot = at->second;
          // Versions of a start Task: requested, in-progress, completed.
          if (change.version == 2 && load_.what == life::one_wait) {
            jobs_.push_back({job::kind::go_on, slot});
            more = true;
          }
          if (change.version != (load_.what == life::until_wait ? 2 : 3)) continue;
          slot_of_.erase(at);
          if (load_.keep_samples) out_.samples_us.push_back(now - began_[slot]);
          ++done_;
          jobs_.push_back({job::kind::start, slot});
          more = true;
        }
      over = done_ == load_.count;
    }
    if (more) work_.notify_all();
    if (over) ended_.notify_all();
  }

  engine_site* site_;
  instance_load load_;
  base::clock* clock_;
  std::mutex mutex_;
  std::condition_variable work_, ended_;
  std::vector<job> jobs_;
  std::unordered_map<base::uuid, std::size_t> slot_of_;  // by start Task
  std::vector<std::int64_t> began_;
  std::vector<std::uint64_t> keys_;                       // of a slot's instance
  std::uint64_t next_ = 0, done_ = 0;
  std::string failure_;
  bool stopping_ = false;
  load_outcome out_;
};

}  // namespace

result<load_outcome> run_instances(engine_site& site, const instance_load& load) { return runner(site, load).run(); }

}  // namespace dsf::bench
