#include "bench/wire_site.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "net/https_client.hpp"
#include "net/pki.hpp"
#include "site/ctl/demo/allow_list.hpp"

namespace dsf::bench {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr int ready_timeout_ms = 60'000;

result<> write_file(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return fail(base::errc::io, "the file can't be written", file.string());
  return {};
}

std::string last_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line, last = "it said nothing";
  while (std::getline(in, line)) last = line;
  return last;
}

}  // namespace

result<std::uint16_t> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const bool good = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!good) return fail(base::errc::io, "no port of 127.0.0.1 is free");
  return ntohs(at.sin_port);
}

result<std::unique_ptr<wire_consortium>> wire_consortium::make(const fs::path& folder, const std::vector<std::string>& names,
                                                               const std::vector<std::string>& bundles) {
  auto c = std::make_unique<wire_consortium>();
  c->folder_ = folder;
  std::error_code ec;
  fs::create_directories(folder, ec);
  const net::pki_files ca{c->ca(), (folder / "ca.key").string()};
  TRY(net::create_ca({}, ca));
  std::vector<site::ctl::allow_list_member> members;
  for (const auto& name : names) {
    auto s = std::make_unique<wire_site>();
    s->name = name;
    s->organization = name + ".example";
    s->port = TRY(free_port());
    s->status_port = TRY(free_port());
    s->folder = folder / name;
    fs::create_directories(s->folder, ec);
    net::certificate_request server;
    server.use = net::certificate_use::server;
    server.common_name = "localhost";
    TRY(net::issue_certificate(server, ca, {}, {c->file(*s, "server.pem"), c->file(*s, "server.key")}));
    net::certificate_request client;
    client.common_name = name;
    TRY(net::issue_certificate(client, ca, {}, {c->file(*s, "client.pem"), c->file(*s, "client.key")}));
    members.push_back(
        {s->organization, name, name + ".localhost", s->base_url(), TRY(net::thumbprint_of(c->file(*s, "client.pem"))), "DIC"});
    c->sites.push_back(std::move(s));
  }
  const auto list = site::ctl::allow_list_bundle("consortium.example", members).dump() + "\n";
  for (const auto& s : c->sites) {
    TRY(write_file(s->folder / "allow-list.json", list));
    TRY(c->configure(*s, bundles, "fhir, bpe"));
  }
  return c;
}

result<> wire_consortium::configure(const wire_site& s, const std::vector<std::string>& bundles, const std::string& roles,
                                    const std::string& more) const {
  auto text = fmt::format(
      "name: {0}\n"
      "roles: [{6}]\n"
      "organization: {{identifier: {1}}}\n"
      "endpoint: {{identifier: {0}.localhost}}\n"
      "fhir: {{base_url: '{2}', port: {3}, allow_list: allow-list.json}}\n"
      "status: {{port: {4}}}\n"
      "admin: {{socket: admin.sock}}\n"
      "store: {{path: store}}\n"
      "log: {{file: log.jsonl}}\n"
      "{7}"
      "tls:\n"
      "  server: {{certificate: server.pem, key: server.key, trust: '{5}'}}\n"
      "  client: {{certificate: client.pem, key: client.key, trust: '{5}'}}\n"
      "{8}",
      s.name, s.organization, s.base_url(), s.port, s.status_port, ca(), roles, more, bundles.empty() ? "" : "plugins:\n  folders:\n");
  for (const auto& b : bundles) text += "  - '" + b + "'\n";
  return write_file(s.folder / "site.yaml", text);
}

result<> wire_consortium::start(const std::string& dsfd) {
  if (::access(dsfd.c_str(), X_OK) != 0)
    return fail(base::errc::invalid_argument, "dsfd is not there; build it, or name it with --dsfd", dsfd);
  for (const auto& s : sites) s->process = TRY(site::ctl::child::start({dsfd, "--config", file(*s, "site.yaml")}, file(*s, "output.log")));
  for (const auto& s : sites) TRY(wait_until_ready(*s));
  return {};
}

result<> wire_consortium::start(const std::string& dsfd, wire_site& s) {
  if (::access(dsfd.c_str(), X_OK) != 0)
    return fail(base::errc::invalid_argument, "dsfd is not there; build it, or name it with --dsfd", dsfd);
  s.process = TRY(site::ctl::child::start({dsfd, "--config", file(s, "site.yaml")}, file(s, "output.log")));
  return wait_until_ready(s);
}

result<> wire_consortium::wait_until_ready(wire_site& s) const {
  net::https_client client({});
  for (int waited = 0; waited < ready_timeout_ms; waited += 20) {
    if (!s.process.running()) return fail(base::errc::io, s.name + " did not start: " + last_line(s.folder / "output.log"));
    net::client_request r;
    r.url = fmt::format("http://127.0.0.1:{}/status", s.status_port);
    if (const auto answer = client.send_and_wait(std::move(r), 1'000); answer && answer->status == 200) return {};
    ::usleep(20'000);
  }
  return fail(base::errc::io, fmt::format("{} is not ready after {} s", s.name, ready_timeout_ms / 1000));
}

void wire_consortium::stop() {
  for (const auto& s : sites) s->process.stop(15'000);
}

load_target wire_consortium::target(const wire_site& s, const wire_site& caller) const {
  return {s.port, file(caller, "client.pem"), file(caller, "client.key"), ca()};
}

}  // namespace dsf::bench
