// A reverse proxy in front of the site: its header counts when it is listed, and for nobody else.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "net/query.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

class site_behind_proxy : public lone_site {
public:
  explicit site_behind_proxy(std::uint16_t port, std::uint16_t plain)
      : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)), plain_base(fmt::format("http://127.0.0.1:{}/fhir", plain)) {
    issue("person", {.common_name = "A Person", .email = "person@site-a.example"});
    issue("proxy", {.common_name = "proxy.site-a.example"});
  }
  // 0: no answer. `who` empty: without a certificate.
  int get(const std::string& at, const std::string& who, const std::string& header = {}) {
    net::client_options o;
    if (at.starts_with("https"))
      o.identity = must(net::tls_identity::load({who.empty() ? std::string() : (folder / (who + ".pem")).string(),
                                                 who.empty() ? std::string() : (folder / (who + ".key")).string(),
                                                 {},
                                                 {},
                                                 folder / "ca.pem"}));
    net::https_client client(std::move(o));
    net::client_request r{.url = at + "/metadata", .headers = {{"Accept", "application/fhir+json"}}, .body = {}};
    if (!header.empty()) r.headers.add("X-ClientCert", net::percent_encode(read_text(folder / (header + ".pem"))));
    const auto answer = client.send_and_wait(std::move(r), 10'000);
    if (!answer) return 0;
    // Whoever is let in gets what he asked for; who is not, not a word (dsf-fhir-server 2.1).
    if (answer->status == 200) CHECK(answer->body.starts_with("{\"resourceType\":\"CapabilityStatement\""));
    if (answer->status == 403) CHECK(answer->body.empty());
    return answer->status;
  }
  std::string base, plain_base;
};

}  // namespace

TEST_CASE("proxy: by default no certificate header is believed", "[proxy]") {
  site_behind_proxy s(free_port(), 0);
  auto process = s.start();
  CHECK(s.get(s.base, "client") == 200);
  CHECK(s.get(s.base, "person", "client") == 403);
  CHECK(s.get(s.base, "", "client") == 0);
  CHECK(read_text(s.folder / "log.jsonl").find("ignored: a certificate header that does not come from a listed proxy") !=
        std::string::npos);
  CHECK(process.stop(15'000));
}

TEST_CASE("proxy: a listed one is believed, by its certificate or its address", "[proxy]") {
  const auto port = free_port(), plain = free_port();
  {
    site_behind_proxy s(port, plain);
    s.replace("allow_list: allow-list.json",
              fmt::format("allow_list: allow-list.json, proxies: ['{}']", must(net::thumbprint_of(s.folder / "proxy.pem"))));
    auto process = s.start();
    CHECK(s.get(s.base, "proxy", "client") == 200);
    CHECK(s.get(s.base, "proxy", "person") == 403);
    CHECK(s.get(s.base, "proxy") == 403);
    CHECK(s.get(s.base, "person", "client") == 403);
    CHECK(s.get(s.base, "client") == 200);
    CHECK(process.stop(15'000));
  }
  site_behind_proxy s(port, plain);
  s.replace("allow_list: allow-list.json", fmt::format("allow_list: allow-list.json, proxies: [127.0.0.1], proxy_port: {}", plain));
  auto process = s.start();
  CHECK(s.get(s.plain_base, "", "client") == 200);
  CHECK(s.get(s.plain_base, "", "person") == 403);
  CHECK(s.get(s.plain_base, "") == 403);
  CHECK(s.get(s.base, "", "client") == 200);
  CHECK(s.get(s.base, "") == 403);
  CHECK(s.get(s.base, "client") == 200);
  CHECK(process.stop(15'000));
}

TEST_CASE("proxy: the port without TLS refuses whom nobody listed", "[proxy]") {
  const auto port = free_port(), plain = free_port();
  site_behind_proxy s(port, plain);
  s.replace("allow_list: allow-list.json", fmt::format("allow_list: allow-list.json, proxies: [192.0.2.1], proxy_port: {}", plain));
  auto process = s.start();
  CHECK(s.get(s.plain_base, "", "client") == 403);
  CHECK(s.get(s.base, "person", "client") == 403);
  CHECK(process.stop(15'000));
}
