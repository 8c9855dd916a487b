#include "actors/work_pool.hpp"

namespace dsf::actors {

work_pool::work_pool(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
}

work_pool::~work_pool() { stop(); }

void work_pool::run(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

bool work_pool::run_one(std::size_t n) {
  std::function<void()> work;
  {
    const std::lock_guard lock{mutex_};
    if (n >= queue_.size()) return false;
    const auto at = queue_.begin() + static_cast<std::ptrdiff_t>(n);
    work = std::move(*at);
    queue_.erase(at);
    ++running_;
  }
  work();
  const std::lock_guard lock{mutex_};
  --running_;
  return true;
}

std::size_t work_pool::waiting() const {
  const std::lock_guard lock{mutex_};
  return queue_.size();
}

std::size_t work_pool::running() const {
  const std::lock_guard lock{mutex_};
  return running_;
}

void work_pool::loop() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
    }
    work();
    work = nullptr;
    const std::lock_guard lock{mutex_};
    --running_;
  }
}

void work_pool::stop() {
  std::deque<std::function<void()>> dropped;  // destroyed without the lock: what it holds may come back here
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
  for (auto& t : threads_)
    if (t.joinable()) t.join();
}

void handler_holds::hold(const std::string& class_name) {
  const std::lock_guard lock{mutex_};
  held_.insert(class_name);
}

void handler_holds::release(const std::string& class_name) {
  {
    const std::lock_guard lock{mutex_};
    held_.erase(class_name);
  }
  changed_.notify_all();
}

bool handler_holds::held(const std::string& class_name) const {
  const std::lock_guard lock{mutex_};
  return held_.contains(class_name);
}

bool handler_holds::wait_released(const std::string& class_name) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return stopping_ || !held_.contains(class_name); });
  return !stopping_;
}

void handler_holds::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
}

std::uint64_t handler_deadlines::begin(base::timestamp deadline, std::function<void()> overdue) {
  const std::lock_guard lock{mutex_};
  under_way_.emplace(++last_, attempt{deadline, std::move(overdue)});
  return last_;
}

void handler_deadlines::end(std::uint64_t attempt) {
  const std::lock_guard lock{mutex_};
  under_way_.erase(attempt);
}

std::optional<base::timestamp> handler_deadlines::check(base::timestamp now) {
  std::vector<std::function<void()>> late;
  std::optional<base::timestamp> next;
  {
    const std::lock_guard lock{mutex_};
    std::erase_if(under_way_, [&](auto& entry) {
      if (entry.second.deadline.us <= now.us) {
        late.push_back(std::move(entry.second.overdue));
        return true;
      }
      if (!next || entry.second.deadline.us < next->us) next = entry.second.deadline;
      return false;
    });
  }
  for (const auto& overdue : late) overdue();
  return next;
}

}  // namespace dsf::actors
