// Brings the store back after an I/O error (docs/design.md, decision 18): engine down, store opened again, engine up.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "storage/store.hpp"

namespace dsf::site {

struct caretaker_work {
  storage::store* store = nullptr;
  const base::logger* log = nullptr;
  std::int64_t retry_us = 5'000'000;
  std::int64_t look_us = 500'000;         // how often it looks at a store that is well
  std::function<void()> stop_engine;      // what cannot be recorded should not be done
  std::function<void()> start_engine;     // from what the store holds
  std::function<void()> now_and_then;     // once a minute
};

// A thread of its own: stopping the engine waits for handlers that run.
class caretaker {
public:
  explicit caretaker(caretaker_work work);
  ~caretaker() { stop(); }
  caretaker(const caretaker&) = delete;
  caretaker& operator=(const caretaker&) = delete;

  // Waits for an attempt that is under way. After an attempt in vain the engine stays down.
  void stop();

private:
  void loop();
  void bring_back();
  // False when stop() was called.
  bool pause(std::int64_t us);

  caretaker_work work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dsf::site
