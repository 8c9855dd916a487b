// An engine that is driven by hand lives on one thread (actors::engine_hand); workers, and what they ask of the site, do not. Here they meet:
// what others have for the engine waits in a list until the engine's thread takes it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/handler.hpp"

namespace dsf::site {

class main_thread {
public:
  void post(std::function<void()> what);
  // Runs one; false: there is none.
  bool run_one();
  // Until something was posted, or so long.
  void wait_us(std::int64_t at_most);

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;
};

// The attempts that run in workers now, by what they are, for a test that waits too long.
class open_attempts {
public:
  std::uint64_t add(std::string what);
  // False: it was not open any more.
  bool remove(std::uint64_t number);
  [[nodiscard]] bool none() const;
  [[nodiscard]] std::vector<std::string> all() const;

private:
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::string> open_;
};

// A process's handlers as the engine has them: `workers` runs them, their outcomes come on the main thread. All arguments outlive the handler.
plugins::remote_handler through_main(const plugins::handler_registry& workers, main_thread& main, open_attempts& open);

// The site's services with small durable values changed on the main thread: a store driven by hand is written by nobody else.
std::unique_ptr<plugins::services> services_beside_main(std::unique_ptr<plugins::services> site, main_thread& main);

}  // namespace dsf::site
