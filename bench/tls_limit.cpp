#include "bench/tls_limit.hpp"

#include <unistd.h>

#include <fstream>

#include "bench/machine.hpp"

namespace dsf::bench {

namespace fs = std::filesystem;
using base::fail;
using base::result;

result<measured> timed(const load_plan& p, const std::vector<pid_t>& servers) {
  measured m;
  const auto cpu = [&] {
    std::int64_t all = 0;
    for (const auto s : servers) all += cpu_us_of(s);
    return all;
  };
  const auto before = cpu();
  m.load = TRY(run_load(p));
  m.server_cpu_us = cpu() - before;
  return m;
}

result<measured> timed_when_up(const load_plan& p, pid_t server) {
  for (int tries = 0;; ++tries) {
    auto m = timed(p, {server});
    if (m || tries >= 100) return m;
    ::usleep(20'000);
  }
}

result<std::unique_ptr<tls_limit>> tls_limit::start(const wire_consortium& c, const std::string& answer, bool client_certificates) {
  auto out = std::make_unique<tls_limit>();
  const auto& s = *c.sites.front();
  const auto file = c.file(s, "answer");
  std::ofstream text(file, std::ios::binary | std::ios::trunc);
  text << answer;
  text.close();
  if (!text) return fail(base::errc::io, "the file can't be written", file);
  out->target_ = c.target(s);
  out->target_.port = TRY(free_port());
  std::error_code ec;
  const auto self = fs::read_symlink("/proc/self/exe", ec).string();
  std::vector<std::string> command{
      self,      "tls-server", "--certificate", c.file(s, "server.pem"),           "--key",    c.file(s, "server.key"),
      "--trust", c.ca(),       "--port",        std::to_string(out->target_.port), "--answer", file};
  if (!client_certificates) command.emplace_back("--no-client-certificates");
  out->process_ = TRY(site::ctl::child::start(command, c.file(s, "limit.log")));
  return out;
}

}  // namespace dsf::bench
