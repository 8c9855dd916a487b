// Events on their way to one watcher: bounded, never waits for the reader, tells how many were lost. Private to admin/.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "site/admin/admin_port.hpp"

namespace dsf::site {

class event_queue {
public:
  explicit event_queue(std::size_t capacity = 10'000) : capacity_(capacity) {}

  void push(const site_event_line& e) {
    {
      std::lock_guard lock(mutex_);
      if (events_.size() < capacity_) {
        events_.push_back(e);
      } else {
        ++lost_;
        lost_at_ = e.time;
      }
    }
    changed_.notify_one();
  }

  // All that is there, or nothing after `wait_ms`. After lost events comes one of kind "lost".
  std::vector<site_event_line> pop(std::int64_t wait_ms) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(wait_ms), [&] { return !events_.empty() || closed_; });
    std::vector<site_event_line> out(events_.begin(), events_.end());
    events_.clear();
    if (lost_ > 0) {
      out.push_back({.kind = "lost", .time = lost_at_, .text = std::to_string(lost_)});
      lost_ = 0;
    }
    return out;
  }

  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }
  [[nodiscard]] bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }

private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<site_event_line> events_;
  std::uint64_t lost_ = 0;
  base::timestamp lost_at_;
  bool closed_ = false;
};

}  // namespace dsf::site
