// The engine of the moment: another one takes its place when the store comes back, while operators and commits ask for it.
#pragma once

#include <memory>
#include <mutex>

#include "actors/engine.hpp"

namespace dsf::site {

class engine_slot {
public:
  void set(std::shared_ptr<actors::engine> engine) {
    std::shared_ptr<actors::engine> before;  // ends outside the lock
    const std::lock_guard lock{mutex_};
    before = std::exchange(engine_, std::move(engine));
  }
  // Kept until the end of the expression. A stopped engine may be asked; it does nothing.
  std::shared_ptr<actors::engine> operator->() const {
    const std::lock_guard lock{mutex_};
    return engine_;
  }
  explicit operator bool() const { return operator->() != nullptr; }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<actors::engine> engine_;
};

}  // namespace dsf::site
