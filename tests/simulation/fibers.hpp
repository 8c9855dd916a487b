// Bodies that wait in the middle of their work, one at a time: each has a thread, and only who was given the turn runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "actors/thread_drive.hpp"
#include "base/clock.hpp"

namespace dsf::simulation {

class fibers final : public actors::thread_drive {
public:
  explicit fibers(const base::clock& time) : clock_(&time) {}
  ~fibers() override;

  std::unique_ptr<running> start(std::function<void()> body) override;
  bool wait(std::unique_lock<std::mutex>& lock, std::optional<std::int64_t> us, const std::function<bool()>& ready) override;

  // Those that could go on now.
  [[nodiscard]] std::size_t ready() const;
  // The n-th of them, until it waits again or ends.
  void run(std::size_t n);
  // When the next one's time is over.
  [[nodiscard]] std::optional<std::int64_t> next_us() const;

private:
  struct fiber;
  struct handle;
  [[nodiscard]] bool can_go_on(const fiber& f) const;
  static void give_turn(fiber& f);
  void end(const std::shared_ptr<fiber>& f);

  const base::clock* clock_;
  std::vector<std::shared_ptr<fiber>> fibers_;
};

}  // namespace dsf::simulation
