// Rate limits of a running site. Faults these find: a limit that is on when nobody asked for it, a partner that pays for another, an answer without
// Retry-After or without a word on which limit it was, local callers that are limited with the partners.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>
#include <memory>

#include "base/json.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

class limited_site : public lone_site {
public:
  explicit limited_site(std::uint16_t port, const std::string& rate)
      : lone_site(port), base(fmt::format("https://localhost:{}/fhir", port)) {
    for (const auto* name : {"person", "other"}) issue(name, {.common_name = std::string(name) + ".example"});
    if (!rate.empty()) settings += "limits: {rate: {" + rate + "}}\n";
  }
  net::client_response get(const std::string& who, const std::string& accept = "application/fhir+json") {
    auto& client = clients[who];
    if (!client) {
      net::client_options o;
      o.identity = must(net::tls_identity::load({folder / (who + ".pem"), folder / (who + ".key"), {}, {}, folder / "ca.pem"}));
      client = std::make_unique<net::https_client>(std::move(o));
    }
    return must(client->send_and_wait({.url = base + "/metadata", .headers = {{"Accept", accept}}, .body = {}}, 10'000));
  }
  std::string base;
  std::map<std::string, std::unique_ptr<net::https_client>> clients;
};

}  // namespace

TEST_CASE("rate limits: by default there are none; with one, each caller has its own, and local ones none", "[rate]") {
  SECTION("none") {
    limited_site s(free_port(), "");
    auto process = s.start();
    for (int i = 0; i < 50; ++i) REQUIRE(s.get("client").status == 200);
    for (int i = 0; i < 50; ++i) REQUIRE(s.get("person").status == 403);
    s.clients.clear();
    CHECK(process.stop(15'000));
  }
  SECTION("of partners") {
    // One a second at most, so that a slow machine gives no token back while the test runs: the burst is all there is for a while.
    limited_site s(free_port(), "requests_per_second: 1, burst: 3");
    auto process = s.start();
    int passed = 0, limited = 0;
    for (int i = 0; i < 40 && limited < 3; ++i) (s.get("person").status == 429 ? limited : passed)++;
    CHECK(passed >= 3);
    CHECK(limited == 3);
    // A pair that differs in who asks.
    CHECK(s.get("other").status == 403);
    for (int i = 0; i < 20; ++i) REQUIRE(s.get("client").status == 200);
    s.clients.clear();
    CHECK(process.stop(15'000));
  }
  SECTION("of local callers; the answer names the limit, as JSON and as XML") {
    limited_site s(free_port(), "local_requests_per_second: 1, local_burst: 2");
    auto process = s.start();
    net::client_response last;
    for (int i = 0; i < 60 && last.status != 429; ++i) last = s.get("client");
    REQUIRE(last.status == 429);
    CHECK(last.headers.value("Retry-After") == "1");
    CHECK(last.headers.value("Content-Type").starts_with("application/fhir+json"));
    const auto outcome = must(base::json::parse(last.body));
    CHECK(outcome["issue"][0]["code"].str() == "throttled");
    CHECK(last.body.find("limits.rate.") != std::string::npos);
    for (int i = 0; i < 60 && !(last.status == 429 && last.headers.value("Content-Type").starts_with("application/fhir+xml")); ++i)
      last = s.get("client", "application/fhir+xml");
    CHECK(last.body.starts_with("<OperationOutcome"));
    for (int i = 0; i < 20; ++i) REQUIRE(s.get("person").status == 403);
    s.clients.clear();
    CHECK(process.stop(15'000));
  }
}
