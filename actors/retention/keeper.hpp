// Sweeps now and then, on a thread of its own, and has what was removed taken out of the files.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>

#include "actors/retention/sweep.hpp"
#include "base/log.hpp"

namespace dsf::actors {

struct retention_options {
  storage::store* store = nullptr;
  const base::logger* log = nullptr;
  const base::clock* clock = nullptr;
  retention_rules rules;
  std::int64_t interval_us = 0;
  std::int64_t first_us = 0;  // from the start to the first sweep
};

struct retention_report {
  removed_things removed;
  base::timestamp at;
  std::int64_t took_us = 0;
  bool dry_run = false;
};

struct retention_status {
  removed_things total;  // since the program started
  std::uint64_t sweeps = 0;
  std::uint64_t failed = 0;
  base::timestamp last;  // the last one that came to its end
  std::int64_t last_took_us = 0;
  base::timestamp next;
  std::string last_error;  // empty: the last one went well
};

class retention_keeper {
public:
  explicit retention_keeper(retention_options options);
  ~retention_keeper() { stop(); }
  retention_keeper(const retention_keeper&) = delete;
  retention_keeper& operator=(const retention_keeper&) = delete;

  // From the store's commit listener: what is gone has to leave the files, too. That is done after the next sweep.
  void on_commit(std::span<const storage::feed_entry> entries);
  // On the caller's thread, after a sweep that is under way. `dry_run`: what it would remove.
  base::result<retention_report> run(bool dry_run);
  [[nodiscard]] retention_status status() const;
  // Ends a sweep between two steps; what it has not come to is left to the next program.
  void stop();

private:
  void loop();
  // What was removed and is still in the files.
  struct leftovers {
    std::set<std::string> types;
    std::uint64_t first_instance = UINT64_MAX, last_instance = 0;  // forgotten
    bool data_keys = false;
    [[nodiscard]] bool any() const { return data_keys || !types.empty() || first_instance <= last_instance; }
  };
  base::result<> clean_files();
  base::result<removed_things> sweep(retention_walks& walks, base::timestamp now);
  // False when stop() was called.
  bool pause(std::int64_t us);

  retention_options options_;
  std::mutex sweep_mutex_;  // one sweep at a time
  retention_walks walks_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::atomic<bool> stop_cleaning_ = false;
  leftovers leftovers_;
  retention_status status_;
  std::thread thread_;
};

}  // namespace dsf::actors
