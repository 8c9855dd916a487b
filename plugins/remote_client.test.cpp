#include "plugins/remote_client.hpp"

#include <catch2/catch.hpp>

#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

struct recorder final : net::transport {
  net::client_request seen;
  std::int64_t timeout_ms = 0;
  net::client_response answer{.status = 200, .headers = {}, .body = R"({"resourceType":"Bundle"})"};
  void send(net::client_request request, std::int64_t timeout, net::client_callback done) override {
    seen = std::move(request);
    timeout_ms = timeout;
    done(answer);
  }
};

}  // namespace

// Would find: a store asked without its credentials, another site asked with them, a page link glued to the address wrongly.
TEST_CASE("remote client: address, credentials and time-out are the ones it was made with") {
  recorder wire;
  const auto store = make_remote_client(wire, {"https://store.example/fhir", 5'000, base::secret("Bearer t")});
  REQUIRE(store->search("Patient?gender=female"));
  CHECK(wire.seen.url == "https://store.example/fhir/Patient?gender=female");
  CHECK(wire.seen.headers.value("Authorization") == "Bearer t");
  CHECK(wire.seen.headers.value("Prefer") == "handling=strict");
  CHECK(wire.timeout_ms == 5'000);
  REQUIRE(store->search("?_getpages=1"));
  CHECK(wire.seen.url == "https://store.example/fhir?_getpages=1");
  REQUIRE(store->transaction(base::json::object{{"resourceType", "Bundle"}}));
  CHECK(wire.seen.method == "POST");
  CHECK(wire.seen.url == "https://store.example/fhir");
  REQUIRE(make_remote_client(wire, {"https://site.example/fhir"})->read("Task", "1"));
  CHECK_FALSE(wire.seen.headers.has("Authorization"));
}

// Finds: an engine that can't deploy to a Java endpoint, whose container answers a POST to the base with a redirect to the folder.
TEST_CASE("remote client: a server that has its base as a folder") {
  struct container final : net::transport {
    std::vector<std::string> asked;
    void send(net::client_request request, std::int64_t, net::client_callback done) override {
      asked.push_back(request.url);
      const bool folder = request.url.ends_with('/');
      done(net::client_response{.status = folder ? 200 : 302, .headers = {}, .body = folder ? R"({"resourceType":"Bundle"})" : ""});
    }
  } wire;
  const auto site = make_remote_client(wire, {"https://java.example/fhir"});
  const base::json bundle = base::json::object{{"resourceType", "Bundle"}};
  REQUIRE(site->transaction(bundle));
  REQUIRE(site->transaction(bundle));
  CHECK(wire.asked == std::vector<std::string>{"https://java.example/fhir", "https://java.example/fhir/", "https://java.example/fhir/"});
}

TEST_CASE("remote client: a refusal names the address and what the server says, not the credentials") {
  recorder wire;
  wire.answer.status = 401;
  wire.answer.body = R"({"resourceType":"OperationOutcome","issue":[{"diagnostics":"who are you"}]})";
  const auto r = make_remote_client(wire, {"https://s/fhir", 1, base::secret("Basic c2VjcmV0")})->search("Patient");
  REQUIRE_FALSE(r);
  CHECK(r.error().is(errc::http_status));
  CHECK(r.error().to_string() == "https://s/fhir/Patient: HTTP 401: who are you");
}

}  // namespace dsf::plugins
