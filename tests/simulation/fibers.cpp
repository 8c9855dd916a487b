#include "tests/simulation/fibers.hpp"

#include <algorithm>
#include <semaphore>
#include <thread>

namespace dsf::simulation {
namespace {

// Leaves a body that waits for what will never be, as a crash does; no error, so that nothing catches it on the way.
struct torn_down {};

}  // namespace

struct fibers::fiber {
  std::function<void()> body;
  std::binary_semaphore turn{0}, back{0};
  std::optional<std::int64_t> until_us;
  const std::function<bool()>* ready = nullptr;  // null: it has not begun
  bool ended = false;
  bool torn = false;
  std::thread thread;
};

namespace {
thread_local void* current = nullptr;
}

// Its destruction leaves the body, and waits for that.
struct fibers::handle final : actors::thread_drive::running {
  handle(fibers& of, std::shared_ptr<fiber> f) : of_(&of), fiber_(std::move(f)) {}
  ~handle() override { of_->end(fiber_); }
  fibers* of_;
  std::shared_ptr<fiber> fiber_;
};

fibers::~fibers() {
  while (!fibers_.empty()) end(std::shared_ptr(fibers_.back()));
}

std::unique_ptr<fibers::running> fibers::start(std::function<void()> body) {
  auto f = std::make_shared<fiber>();
  f->body = std::move(body);
  f->thread = std::thread([raw = f.get()] {
    current = raw;
    raw->turn.acquire();
    try {
      if (!raw->torn) raw->body();
    } catch (const torn_down&) {}
    raw->ended = true;
    raw->back.release();
  });
  fibers_.push_back(f);
  return std::make_unique<handle>(*this, std::move(f));
}

bool fibers::wait(std::unique_lock<std::mutex>& lock, std::optional<std::int64_t> us, const std::function<bool()>& ready) {
  auto& f = *static_cast<fiber*>(current);
  if (ready()) return true;
  if (f.torn) throw torn_down{};
  f.until_us = us ? std::optional(clock_->steady_us() + *us) : std::nullopt;
  f.ready = &ready;
  lock.unlock();
  f.back.release();
  f.turn.acquire();
  lock.lock();
  const bool is_ready = ready();
  if (f.torn && !is_ready) throw torn_down{};
  return is_ready;
}

bool fibers::can_go_on(const fiber& f) const {
  return !f.ended && (f.ready == nullptr || (*f.ready)() || (f.until_us && clock_->steady_us() >= *f.until_us));
}

std::size_t fibers::ready() const {
  return static_cast<std::size_t>(std::ranges::count_if(fibers_, [&](const auto& f) { return can_go_on(*f); }));
}

void fibers::give_turn(fiber& f) {
  f.turn.release();
  f.back.acquire();
}

void fibers::run(std::size_t n) {
  for (const auto& f : std::vector(fibers_))
    if (can_go_on(*f) && n-- == 0) return give_turn(*f);
}

std::optional<std::int64_t> fibers::next_us() const {
  std::optional<std::int64_t> out;
  for (const auto& f : fibers_)
    if (!f->ended && f->until_us && (!out || *f->until_us < *out)) out = f->until_us;
  return out;
}

void fibers::end(const std::shared_ptr<fiber>& f) {
  f->torn = true;
  while (!f->ended) give_turn(*f);
  if (f->thread.joinable()) f->thread.join();
  std::erase(fibers_, f);
}

}  // namespace dsf::simulation
