// Threads for what may block: handlers (handler-k) and disk reads, searches, XML (work-k); docs/design.md, "Threads".
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

namespace dsf::actors {

class work_pool {
public:
  explicit work_pool(unsigned threads);
  ~work_pool();
  work_pool(const work_pool&) = delete;
  work_pool& operator=(const work_pool&) = delete;

  // `work` runs once on one of the threads, in order of arrival. After stop() it is dropped.
  void run(std::function<void()> work);
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
  // Called between a handler's return and its report. False when the program stops.
  bool wait_released(const std::string& class_name);
  void stop();

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_set<std::string> held_;
  bool stopping_ = false;
};

}  // namespace dsf::actors
