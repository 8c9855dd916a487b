#include "site/running/caretaker.hpp"

#include <pthread.h>

#include <chrono>

namespace dsf::site {
namespace {

constexpr std::string_view component = "site";
constexpr std::int64_t now_and_then_us = 60 * base::us_per_s;

}  // namespace

caretaker::caretaker(caretaker_work work) : work_(std::move(work)) {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "caretaker");
    loop();
  });
}

void caretaker::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool caretaker::pause(std::int64_t us) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, std::chrono::microseconds(us), [this] { return stopping_; });
}

void caretaker::loop() {
  std::int64_t since_us = 0;
  while (pause(work_.look_us)) {
    if (work_.store->status().may_recover) bring_back();
    since_us += work_.look_us;
    if (since_us < now_and_then_us) continue;
    since_us = 0;
    if (work_.now_and_then) work_.now_and_then();
  }
}

void caretaker::bring_back() {
  work_.log->warning(component, "the engine stops until the store takes writes again", {},
                     {{"tried_every_s", work_.retry_us / base::us_per_s}});
  work_.stop_engine();
  std::string said;
  for (std::int64_t attempts = 1; pause(work_.retry_us); ++attempts) {
    const auto done = work_.store->reopen();
    if (done) {
      // Before it does: who reads the log sees its handlers begin after this line.
      work_.log->info(component, "the store takes writes again; the engine goes on with what it holds", {}, {{"attempts", attempts}});
      work_.start_engine();
      return;
    }
    const auto why = done.error().to_string();
    // Once for each reason, not every few seconds for days.
    if (why != said) work_.log->warning(component, "the store can't be opened again yet", {}, {{"error", why}});
    said = why;
    if (const auto now = work_.store->status(); !now.may_recover) {
      work_.log->error(component, "the store does not come back by itself: it stays read-only until dsfd is started again", {},
                       {{"why", now.why_not}});
      return;
    }
  }
}

}  // namespace dsf::site
