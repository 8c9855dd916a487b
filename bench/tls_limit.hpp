// The TLS limit as the other half of a figure: its server as a program that runs beside dsfd, and a load that counts the server's time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load_client.hpp"
#include "bench/wire_site.hpp"

namespace dsf::bench {

struct measured {
  load_result load;
  std::int64_t server_cpu_us = 0;
};
// `servers`: whose CPU is counted.
base::result<measured> timed(const load_plan& p, const std::vector<pid_t>& servers);
// The server may need a moment until it listens.
base::result<measured> timed_when_up(const load_plan& p, pid_t server);

// The limit's server with one answer; stops when it goes.
class tls_limit {
public:
  static base::result<std::unique_ptr<tls_limit>> start(const wire_consortium& c, const std::string& answer,
                                                        bool client_certificates = true);
  ~tls_limit() { process_.stop(3'000); }
  [[nodiscard]] const load_target& target() const { return target_; }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

private:
  load_target target_;
  site::ctl::child process_;
};

}  // namespace dsf::bench
