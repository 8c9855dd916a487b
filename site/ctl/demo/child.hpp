// A dsfd that this program started.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace dsf::site::ctl {

class child {
public:
  child() = default;
  // Standard output and error are appended to `log`. The child gets SIGTERM if this program dies.
  static base::result<child> start(const std::vector<std::string>& command, const std::string& log);
  child(child&& o) noexcept : pid_(o.pid_) { o.pid_ = -1; }
  child& operator=(child&& o) noexcept;
  ~child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool started() const { return pid_ > 0; }
  // True while it runs; takes its exit status when it has ended.
  bool running();
  // kill -9, and waits.
  void kill_hard();
  // SIGTERM, then after `timeout_ms` kill -9. False if it had to be killed.
  bool stop(std::int64_t timeout_ms);

private:
  explicit child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

}  // namespace dsf::site::ctl
