// Threads for what may block: handlers (handler-k) and disk reads, searches, XML (work-k); docs/design.md, "Threads".
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"

namespace dsf::actors {

class work_pool {
public:
  // 0 threads: nothing runs but by run_one(); for the simulation.
  explicit work_pool(unsigned threads);
  ~work_pool();
  work_pool(const work_pool&) = delete;
  work_pool& operator=(const work_pool&) = delete;

  // `work` runs once on one of the threads, in order of arrival. After stop() it is dropped.
  void run(std::function<void()> work);
  // Runs the n-th of what waits on the caller's thread. False: there is none.
  bool run_one(std::size_t n);
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::size_t running() const;
  // Waits for what runs; what waits in the queue is dropped.
  void stop();

private:
  void loop();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Breakpoints of an operator: the outcome of a handler of a held class is kept back until release(). In memory only, gone after a restart.
class handler_holds {
public:
  void hold(const std::string& class_name);
  void release(const std::string& class_name);
  [[nodiscard]] bool held(const std::string& class_name) const;
  // Called between a handler's return and its report. False when the program stops.
  bool wait_released(const std::string& class_name);
  void stop();

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<std::string> held_;
  bool stopping_ = false;
};

// The attempts whose handler is on a thread now or was sent to another program, each with its deadline. An attempt that waits for a thread or
// a free worker is none of them, its time has not begun (docs/design.md, decision 8).
class handler_deadlines {
public:
  // `overdue` is called at most once, by check(). The number is for end().
  std::uint64_t begin(base::timestamp deadline, std::function<void()> overdue);
  void end(std::uint64_t attempt);
  // Calls what is overdue; the next deadline of the others.
  std::optional<base::timestamp> check(base::timestamp now);

private:
  struct attempt {
    base::timestamp deadline;
    std::function<void()> overdue;
  };
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, attempt> under_way_;
};

}  // namespace dsf::actors
