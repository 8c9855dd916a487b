#include "tests/wire/lone_site.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "site/admin/admin_client.hpp"
#include "site/ctl/demo/allow_list.hpp"

namespace dsf::tests {
namespace {

constexpr int start_timeout_ms = 30'000, look_every_ms = 50;

}  // namespace

lone_site::lone_site(std::uint16_t port) {
  const auto base = fmt::format("https://localhost:{}/fhir", port == 0 ? 9443 : port);
  const net::pki_files ca{folder / "ca.pem", folder / "ca.key"};
  must(net::create_ca({}, ca));
  issue("server", {.use = net::certificate_use::server, .common_name = "localhost"});
  issue("client", {.common_name = "site-a.example"});
  const site::ctl::allow_list_member own{
      "site-a.example", "a", "site-a.localhost", base, must(net::thumbprint_of(folder / "client.pem")), "DIC"};
  write_text(folder / "allow-list.json", site::ctl::allow_list_bundle("parent.example", {&own, 1}).dump());
  settings = fmt::format(R"(name: site-a
roles: [fhir, bpe]
organization: {{identifier: site-a.example}}
endpoint: {{identifier: site-a.localhost}}
fhir: {{base_url: '{}', port: {}, allow_list: allow-list.json}}
status: {{port: 0}}
admin: {{socket: admin.sock}}
store: {{path: store, low_water_mark: 0}}
log: {{file: log.jsonl}}
tls:
  server: {{certificate: server.pem, key: server.key, trust: ca.pem}}
  client: {{certificate: client.pem, key: client.key, trust: ca.pem}}
)",
                         base, port);
}

void lone_site::issue(const std::string& name, const net::certificate_request& what) {
  must(net::issue_certificate(what, {folder / "ca.pem", folder / "ca.key"}, {}, {folder / (name + ".pem"), folder / (name + ".key")}));
}

void lone_site::replace(const std::string& what, const std::string& by) {
  const auto at = settings.find(what);
  if (at == settings.npos) throw std::runtime_error("the settings have no " + what);
  settings.replace(at, what.size(), by);
}

std::vector<std::string> lone_site::command() {
  write_text(folder / "site.yaml", settings);
  return {dsfd_program(), "--config", folder / "site.yaml"};
}

site::ctl::child lone_site::start(bool until_ready) {
  auto process = must(site::ctl::child::start(command(), folder / "output.log"));
  site::admin_client admin(folder / "admin.sock");
  for (int waited = 0;; waited += look_every_ms) {
    if (const auto s = admin.status(); s && (s->ready || !until_ready)) return process;
    if (!process.running() || waited > start_timeout_ms)
      throw std::runtime_error("the site did not start: " + read_text(folder / "output.log"));
    ::usleep(look_every_ms * 1'000);
  }
}

}  // namespace dsf::tests
