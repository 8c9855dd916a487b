// The admin API on a Unix socket of mode 0600.
#pragma once

#include <memory>
#include <string>

#include "site/admin/admin_port.hpp"

namespace dsf::site {

class admin_server {
public:
  // Listens when it returns. `port` must outlive the server. A socket that a killed program left behind is taken over; one that another
  // program listens at, or a path that is no socket, is an error.
  static base::result<admin_server> start(const std::string& socket_path, admin_port& port,
                                          const base::clock& time = base::system_clock_source());
  admin_server(admin_server&&) noexcept;
  admin_server& operator=(admin_server&&) noexcept;
  ~admin_server();

  // Ends watchers at once, lets other calls finish for `deadline_ms`, removes the socket. May be called more than once.
  void stop(std::int64_t deadline_ms = 2'000);

private:
  struct impl;
  explicit admin_server(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace dsf::site
