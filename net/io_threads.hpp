// The io-k threads: each runs one event loop, and a connection stays on the loop it was given.
#pragma once

#include <memory>
#include <string>

namespace dsf::net {

class io_threads {
public:
  // `count` 0 = max(1, cores - 1). Threads are named `<name>-0`, `<name>-1`, ...
  static std::shared_ptr<io_threads> start(int count = 0, std::string name = "io");
  ~io_threads();
  io_threads(const io_threads&) = delete;
  io_threads& operator=(const io_threads&) = delete;

  [[nodiscard]] int size() const noexcept;
  // Ends the loops and waits for the threads; what still waits there is dropped. Not to be called on one of them.
  void stop();
  // True on one of these threads.
  [[nodiscard]] bool on_thread() const noexcept;

  struct impl;
  [[nodiscard]] impl& inside() noexcept { return *impl_; }

private:
  io_threads();
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::net
