// SIGHUP: certificates, trust and roles change while the site runs; what is wrong changes nothing.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

class reloading_site : public lone_site {
public:
  explicit reloading_site(std::uint16_t port) : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)) {
    const net::pki_files other{folder / "other-ca.pem", folder / "other-ca.key"};
    must(net::create_ca({.common_name = "another CA"}, other));
    must(net::issue_certificate({.common_name = "stranger.example"}, other, {}, {folder / "stranger.pem", folder / "stranger.key"}));
    issue("person", {.common_name = "A Person", .email = "person@site-a.example"});
    write_text(folder / "trust.pem", read_text(folder / "ca.pem"));
    replace("server: {certificate: server.pem, key: server.key, trust: ca.pem}",
            "server: {certificate: server.pem, key: server.key, trust: trust.pem}");
  }
  // The status of an answer; 0: the TLS handshake failed.
  int get(const std::string& who) {
    net::client_options o;
    o.identity = must(net::tls_identity::load({folder / (who + ".pem"), folder / (who + ".key"), {}, {}, folder / "ca.pem"}));
    net::https_client client(std::move(o));
    const auto answer =
        client.send_and_wait({.url = base + "/metadata", .headers = {{"Accept", "application/fhir+json"}}, .body = {}}, 10'000);
    if (!answer) return 0;
    if (answer->status == 200) CHECK(answer->body.starts_with("{\"resourceType\":\"CapabilityStatement\""));
    if (answer->status == 403) CHECK(answer->body.empty());
    return answer->status;
  }
  // Sends SIGHUP and waits for the line that says what came of it.
  bool hang_up(const site::ctl::child& process, const std::string& line) {
    const auto before = count_of(read_text(folder / "log.jsonl"), line);
    ::kill(process.pid(), SIGHUP);
    for (int waited = 0; waited < 200; ++waited) {
      if (count_of(read_text(folder / "log.jsonl"), line) > before) return true;
      ::usleep(50'000);
    }
    return false;
  }
  std::string base;
};

}  // namespace

TEST_CASE("reload: trust, certificates and roles are read again, all or nothing", "[reload]") {
  const std::string done = "certificates, trust and roles were read again", refused = "nothing was read again";
  reloading_site s(free_port());
  auto process = s.start();
  CHECK(s.get("client") == 200);
  CHECK(s.get("stranger") == 0);
  CHECK(s.get("person") == 403);

  // Another authority is trusted from now on, and the server's certificate is another one.
  write_text(s.folder / "trust.pem", read_text(s.folder / "ca.pem") + read_text(s.folder / "other-ca.pem"));
  std::filesystem::remove(s.folder / "server.pem");
  std::filesystem::remove(s.folder / "server.key");
  s.issue("server", {.use = net::certificate_use::server, .common_name = "localhost"});
  REQUIRE(s.hang_up(process, done));
  CHECK(s.get("client") == 200);
  CHECK(s.get("stranger") == 403);

  // One wrong file, and all stays as it was.
  const auto trust = read_text(s.folder / "trust.pem");
  write_text(s.folder / "trust.pem", "not PEM\n");
  REQUIRE(s.hang_up(process, refused));
  CHECK(s.get("client") == 200);
  CHECK(s.get("stranger") == 403);
  write_text(s.folder / "trust.pem", trust);

  // Wrong settings are told with their place; right ones give a person a role.
  const auto settings = s.settings;
  s.settings += "stroe: {path: x}\n";
  s.command();
  REQUIRE(s.hang_up(process, refused));
  CHECK(read_text(s.folder / "log.jsonl").find("unknown setting 'stroe.path'") != std::string::npos);
  s.settings = settings;
  s.replace("allow_list: allow-list.json",
            fmt::format("allow_list: allow-list.json, role_config: [{{person: {{thumbprint: {}, dsf-role: [READ, SEARCH]}}}}]",
                        must(net::thumbprint_of(s.folder / "person.pem"))));
  s.command();
  REQUIRE(s.hang_up(process, done));
  CHECK(s.get("person") == 200);
  CHECK(process.stop(15'000));
}
