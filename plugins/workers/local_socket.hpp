// A listening Unix socket that asks the kernel who connects (SO_PEERCRED), and passes on those it may.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace dsf::plugins::workers {

class local_socket {
public:
  struct caller {
    int fd = -1;  // the taker closes it
    uid_t user = 0;
    pid_t process = 0;
  };
  // The program's own user and root may always connect; `users` (names or numbers) beside them: then the socket is open to all of the machine
  // and the kernel's word decides. `allowed` runs on the socket's thread, and so does `refused`.
  static base::result<std::unique_ptr<local_socket>> listen(const std::string& path, const std::vector<std::string>& users,
                                                            std::function<void(caller)> allowed, std::function<void(caller)> refused);
  ~local_socket();
  local_socket(const local_socket&) = delete;
  local_socket& operator=(const local_socket&) = delete;
  void stop();

private:
  local_socket() = default;
  void accept_all();

  std::string path_;
  int fd_ = -1, stop_fd_ = -1;
  std::vector<uid_t> users_;
  std::function<void(caller)> allowed_, refused_;
  std::thread thread_;
};

}  // namespace dsf::plugins::workers
