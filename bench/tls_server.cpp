// The TLS limit: the same server with a handler that does nothing, in a program of its own as dsfd is.
#include <pthread.h>
#include <signal.h>

#include <fstream>
#include <sstream>

#include "bench/commands.hpp"
#include "net/https_server.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

// Head and body as they came over the wire. What the server writes by itself is left out.
result<net::response> read_answer(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  const auto all = text.str();
  const auto head_end = all.find("\r\n\r\n");
  if (!in || head_end == std::string::npos || all.size() < 12) return fail(base::errc::invalid_argument, "not an HTTP answer", file);
  net::response r;
  r.status = std::atoi(all.c_str() + 9);
  std::istringstream lines(all.substr(0, head_end));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    if (line.ends_with('\r')) line.pop_back();
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto name = line.substr(0, colon);
    if (!net::equals_ignoring_case(name, "content-length") && !net::equals_ignoring_case(name, "connection"))
      r.headers.add(name, line.substr(std::min(line.size(), line.find_first_not_of(' ', colon + 1))));
  }
  r.body = std::make_shared<const std::string>(all.substr(head_end + 4));
  return r;
}

}  // namespace

result<> serve_tls_limit(const tls_server_options& o) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto answer = TRY(read_answer(o.answer));
  net::server_options so;
  so.port = o.port;
  if (!o.client_certificates) so.certificates = net::client_certificate::none;
  so.identity = TRY(net::tls_identity::load({o.certificate, o.key, {}, {}, o.trust}));
  auto server = TRY(net::https_server::start(std::move(so), [&](net::request&&, net::responder respond) { respond(answer); }));
  int signal = 0;
  sigwait(&signals, &signal);
  server.stop(1'000);
  return {};
}

}  // namespace dsf::bench
