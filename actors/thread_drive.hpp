// How a part of the site that works on a thread of its own runs and waits: on real threads, or turned by hand in the simulation
// (docs/design.md, decision 19).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>

namespace dsf::actors {

// What turns them by hand; a null one means threads.
class thread_drive {
public:
  // A body that runs; its destruction waits until the body has come back.
  struct running {
    virtual ~running() = default;
  };
  virtual ~thread_drive() = default;
  virtual std::unique_ptr<running> start(std::function<void()> body) = 0;
  // Called by such a body: until `ready`, or so many microseconds have passed. The lock is released meanwhile. Returns ready().
  virtual bool wait(std::unique_lock<std::mutex>& lock, std::optional<std::int64_t> us, const std::function<bool()>& ready) = 0;
};

std::unique_ptr<thread_drive::running> run_on(thread_drive* drive, std::function<void()> body);

// Whoever makes `ready` true notifies `wake`.
template <class Ready>
bool wait_on(thread_drive* drive, std::unique_lock<std::mutex>& lock, std::condition_variable& wake, std::optional<std::int64_t> us,
             const Ready& ready) {
  if (drive) return drive->wait(lock, us, ready);
  if (us) return wake.wait_for(lock, std::chrono::microseconds(*us), ready);
  wake.wait(lock, ready);
  return true;
}

template <class T>
T get_on(thread_drive* drive, std::future<T>& answer) {
  if (drive) {
    std::mutex mutex;
    std::unique_lock lock{mutex};
    drive->wait(lock, std::nullopt, [&] { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  }
  return answer.get();
}

}  // namespace dsf::actors
