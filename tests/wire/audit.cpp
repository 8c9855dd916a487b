// The security audit log of a running site. Faults these find: a refusal, an allow-list change, an operator's act or a refused certificate that is not
// told, or told of the wrong one; a search's values in the log; a line that is no AuditEvent; a site that can't be started without one.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "fhir/codec/json.hpp"
#include "net/query.hpp"
#include "site/admin/admin_client.hpp"
#include "site/audit/reader.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

class audited_site : public lone_site {
public:
  explicit audited_site(std::uint16_t port, const std::string& more = {})
      : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)) {
    issue("person", {.common_name = "A Person", .email = "person@site-a.example"});
    const net::pki_files other{folder / "other-ca.pem", folder / "other-ca.key"};
    must(net::create_ca({.common_name = "another CA"}, other));
    must(net::issue_certificate({.common_name = "stranger.example"}, other, {}, {folder / "stranger.pem", folder / "stranger.key"}));
    settings += "audit: {file: audit.jsonl" + more + "}\n";
  }
  net::result<net::client_response> send(const std::string& who, net::client_request r) {
    net::client_options o;
    o.identity = must(net::tls_identity::load({folder / (who + ".pem"), folder / (who + ".key"), {}, {}, folder / "ca.pem"}));
    net::https_client client(std::move(o));
    if (!r.url.starts_with("http")) r.url = base + r.url;
    r.headers.add("Accept", "application/fhir+json");
    return client.send_and_wait(std::move(r), 10'000);
  }
  int get(const std::string& who, const std::string& url) {
    const auto a = send(who, {.url = url});
    return a ? a->status : 0;
  }
  std::vector<base::json> told(const site::audit_filter& filter = {}) {
    std::vector<base::json> out;
    (void)must(site::read_audit_log(folder / "audit.jsonl", filter, [&](const base::json& e, std::string_view) { out.push_back(e); }));
    return out;
  }
  // What is told of a request is written a moment after its answer.
  std::vector<base::json> wait_for(const site::audit_filter& filter, std::size_t n) {
    for (int waited = 0; waited < 400; ++waited) {
      auto out = told(filter);
      if (out.size() >= n) return out;
      ::usleep(25'000);
    }
    return told(filter);
  }
  std::string base;
};

std::string thumbprint_of(const base::json& e) { return e["agent"][0]["altId"].str(); }

}  // namespace

TEST_CASE("audit: refusals, allow-list changes, erasures, operators and new settings are told, in valid AuditEvents without a query",
          "[audit]") {
  audited_site s(free_port());
  auto process = s.start();
  const std::string id = "11111111-2222-4333-8444-555555555555", secret = "Mustermann";

  // A pair that differs in who asks: what is allowed is not told by default, what is refused is.
  CHECK(s.get("client", "/Task?identifier=" + secret) == 200);
  CHECK(s.get("person", "/Task?identifier=" + secret) == 403);
  CHECK(s.get("person", "/Task/" + id) == 403);
  CHECK(s.get("person", "/Task/" + secret) == 403);
  auto denied = s.wait_for({.kind = "denied"}, 3);
  REQUIRE(denied.size() == 3);
  CHECK(thumbprint_of(denied[0]) == must(net::thumbprint_of(s.folder / "person.pem")));
  CHECK(denied[0]["agent"][0]["network"]["address"].str() == "127.0.0.1");
  CHECK(denied[0]["outcomeDesc"].str() == "HTTP 403");
  CHECK(denied[1]["entity"][0]["what"]["reference"].str() == "Task/" + id);

  // Who comes with a certificate of an unknown CA gets no further than the handshake.
  CHECK(s.get("stranger", "/metadata") == 0);
  CHECK(s.wait_for({.kind = "handshake"}, 1).size() == 1);

  // The allow-list, by the one who may.
  const auto found =
      must(s.send("client", {.url = "/Organization?identifier=http://dsf.dev/sid/organization-identifier%7Csite-a.example"}));
  auto own = (*base::json::parse(found.body))["entry"][0]["resource"];
  const auto before = s.told({.kind = "allow-list"}).size();
  own.set("name", "Another name");
  net::client_request put{.method = "PUT",
                          .url = "/Organization/" + own["id"].str(),
                          .headers = {{"Content-Type", "application/fhir+json"}},
                          .body = own.dump()};
  CHECK(must(s.send("client", put)).status == 200);
  CHECK(must(s.send("person", put)).status == 403);
  const auto changes = s.wait_for({.kind = "allow-list"}, before + 1);
  REQUIRE(changes.size() == before + 1);
  CHECK(changes.back()["action"].str() == "U");
  CHECK(changes.back()["entity"][0]["what"]["reference"].str() == "Organization/" + own["id"].str() + "/_history/2");
  CHECK(changes.back()["agent"][0]["who"]["identifier"]["value"].str() == "site-a.example");
  CHECK(thumbprint_of(changes.back()) == must(net::thumbprint_of(s.folder / "client.pem")));
  CHECK(s.wait_for({.kind = "denied"}, 4).size() == 4);

  // Operators: what changes something, with its outcome.
  site::admin_client admin(s.folder / "admin.sock");
  CHECK_FALSE(admin.cancel_incident("no-such-incident"));
  CHECK_FALSE(admin.erase_data("Task/" + id, true));
  const auto acts = s.wait_for({.kind = "administration"}, 1);
  REQUIRE(acts.size() == 1);
  CHECK(acts[0]["entity"][0]["description"].str() == "cancel incident no-such-incident");
  CHECK(acts[0]["outcome"].str() == "4");
  CHECK(s.wait_for({.kind = "erasure"}, 1).size() == 1);

  // SIGHUP reads the settings again, and opens the file again.
  std::filesystem::rename(s.folder / "audit.jsonl", s.folder / "before.jsonl");
  ::kill(process.pid(), SIGHUP);
  for (int waited = 0; waited < 400 && !std::filesystem::exists(s.folder / "audit.jsonl"); ++waited) ::usleep(25'000);
  CHECK(s.wait_for({.kind = "configuration"}, 1).size() == 1);
  CHECK(process.stop(15'000));
  CHECK(s.told({.kind = "stopped"}).size() == 1);

  const auto text = read_text(s.folder / "before.jsonl") + read_text(s.folder / "audit.jsonl");
  CHECK(text.find(secret) == std::string::npos);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1, ++lines) {
    const auto line = text.substr(at, text.find('\n', at) - at);
    INFO(line);
    CHECK(fhir::check(must(base::json::parse(line))).empty());
  }
  CHECK(lines > 8);
}

TEST_CASE("audit: behind a proxy it is the proxy's caller that is told of, and reads are told when that is asked for", "[audit]") {
  const auto plain = free_port();
  audited_site s(free_port(), ", events: [denied, read]");
  s.replace("allow_list: allow-list.json", fmt::format("allow_list: allow-list.json, proxies: [127.0.0.1], proxy_port: {}", plain));
  auto process = s.start();
  const auto through_proxy = [&](const std::string& who) {
    net::https_client client(net::client_options{});
    net::client_request r{.url = fmt::format("http://127.0.0.1:{}/fhir/Task", plain), .headers = {{"Accept", "application/fhir+json"}}};
    r.headers.add("X-ClientCert", net::percent_encode(read_text(s.folder / (who + ".pem"))));
    return must(client.send_and_wait(std::move(r), 10'000)).status;
  };
  CHECK(through_proxy("client") == 200);
  CHECK(through_proxy("person") == 403);
  const auto denied = s.wait_for({.kind = "denied"}, 1), reads = s.wait_for({.kind = "read"}, 1);
  REQUIRE(denied.size() == 1);
  REQUIRE(reads.size() == 1);
  CHECK(thumbprint_of(denied[0]) == must(net::thumbprint_of(s.folder / "person.pem")));
  CHECK(thumbprint_of(reads[0]) == must(net::thumbprint_of(s.folder / "client.pem")));
  CHECK(reads[0]["agent"][0]["who"]["identifier"]["value"].str() == "site-a.example");
  CHECK(process.stop(15'000));
}
