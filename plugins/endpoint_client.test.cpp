// The own endpoint over REST: a creation whose answer is lost, or whose program is killed before it could note the result, is not made twice.
#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/entropy.hpp"
#include "net/streaming.hpp"
#include "plugins/binaries.hpp"
#include "plugins/endpoint_client.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::plugins;
using base::json;

namespace {

// A server that honours If-None-Exist (dsf-fhir-server 3.6: what exists is told by Location, not shown), and whose answers can be lost.
class server final : public net::transport {
public:
  void send(net::client_request r, std::int64_t, net::client_callback done) override {
    requests.push_back(r.method + " " + r.url);
    net::client_response answer;
    if (r.method == "POST") {
      const std::string criteria(r.headers.value("If-None-Exist"));
      auto& resource = resources[criteria];
      if (resource.is_null()) {
        answer.status = 201;
        resource = *json::parse(r.body.view());
        resource.set("id", "id-" + std::to_string(resources.size()));
        answer.body = resource.dump();
      } else {
        answer.status = 200;
        answer.headers = {{"Location", "https://dmz/fhir/MeasureReport/" + resource["id"].str() + "/_history/1"}};
        answer.body = R"({"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"duplicate"}]})";
      }
      if (std::exchange(lose, false)) return done(net::fail(net::errc::connection_lost, "lost"));
    } else {
      answer.status = 200;
      for (const auto& [criteria, resource] : resources)
        if (r.url.ends_with("/" + resource["id"].str())) answer.body = resource.dump();
    }
    done(std::move(answer));
  }
  std::map<std::string, json> resources;  // by If-None-Exist
  std::vector<std::string> requests;
  bool lose = false;
};

// Away for the first so many requests.
class flaky final : public net::transport {
public:
  void send(net::client_request, std::int64_t, net::client_callback done) override {
    if (requests++ < away) return done(net::fail(how, "away"));
    net::client_response answer;
    answer.status = status;
    answer.body = R"({"resourceType":"MeasureReport","id":"1"})";
    done(std::move(answer));
  }
  int away = 0, requests = 0, status = 200;
  net::errc how = net::errc::connection_refused;
};

const json report = json::object{{"resourceType", "MeasureReport"}, {"status", "complete"}};

}  // namespace

// Would find: bytes that a step which begins anew uploads again, so that the first ones stay for ever; an upload that is repeated with what is left of it.
TEST_CASE("endpoint client: the same key makes one Binary, and an upload that broke off is told") {
  struct taker final : net::transport, net::streaming_transport {
    void send(net::client_request, std::int64_t, net::client_callback done) override { done(net::fail(net::errc::stopped, "unexpected")); }
    void send_streams(net::client_request, net::body_streams, std::int64_t, net::client_callback done) override {
      if (++uploads == 1) return done(net::fail(net::errc::connection_refused, "away"));
      net::client_response answer;
      answer.status = 201;
      answer.headers = {{"Location", "https://dmz/fhir/Binary/b-" + std::to_string(uploads) + "/_history/1"}};
      done(std::move(answer));
    }
    int uploads = 0;
  } at;
  storage::store_options o;
  o.rows = storage::memory_kv::create();
  auto store = storage::store::open(std::move(o));
  REQUIRE(store);
  const auto upload = [&](const std::string& key) {
    const auto client = make_endpoint_client(at, {"https://dmz/fhir", 1'000, {}}, **store, base::system_entropy(), 7);
    auto* binaries = binaries_of(*client);
    REQUIRE(binaries);
    return binaries->create_binary({.content_type = "image/png",
                                    .security_context = "Organization/1",
                                    .size = 0,
                                    .content = [] { return std::string(); },
                                    .key = key});
  };
  CHECK_FALSE(upload("job/1"));
  CHECK(at.uploads == 1);
  CHECK(*upload("job/1") == "b-2");
  CHECK(*upload("job/1") == "b-2");
  CHECK(at.uploads == 2);
  CHECK(*upload("job/2") == "b-3");
}

TEST_CASE("endpoint client: the same key makes one resource, whatever is lost in between") {
  server s;
  storage::store_options o;
  o.rows = storage::memory_kv::create();
  auto store = storage::store::open(std::move(o));
  REQUIRE(store);
  const auto client = [&] { return make_endpoint_client(s, {"https://dmz/fhir", 1'000, {}}, **store, base::system_entropy(), 7); };
  s.lose = true;
  CHECK_FALSE(client()->create(report, "job/1"));
  // A new client, as after a restart: it finds under which identifier the creation was tried.
  const auto made = client()->create(report, "job/1");
  REQUIRE(made);
  CHECK((*made)["id"].str() == "id-1");
  CHECK(s.resources.size() == 1);
  // Known by now: it is read.
  CHECK((*client()->create(report, "job/1"))["id"].str() == "id-1");
  CHECK(s.requests.back() == "GET https://dmz/fhir/MeasureReport/id-1");
  // Another key is another resource.
  CHECK((*client()->create(report, "job/2"))["id"].str() == "id-2");
  CHECK(s.resources.size() == 2);
}

// Would find: an instance that fails because the other half of its site was away for a moment.
TEST_CASE("endpoint client: a handler waits for its endpoint, until nobody waits for the handler") {
  flaky wire;
  wire.away = 3;
  storage::store_options o;
  o.rows = storage::memory_kv::create();
  auto store = storage::store::open(std::move(o));
  REQUIRE(store);
  const auto cancelled = std::make_shared<std::atomic<bool>>(false), give_up = std::make_shared<std::atomic<bool>>(false);
  const auto client = [&](patience with) {
    return make_endpoint_client(wire, {"https://dmz/fhir", 1'000, {}}, **store, base::system_entropy(), 7, std::move(with));
  };
  SECTION("it comes back") {
    CHECK(client({cancelled, give_up})->read("MeasureReport", "1", 0));
    CHECK(wire.requests == 4);
    CHECK(client({cancelled, give_up})->create(report, "job/1"));
  }
  SECTION("its answer is lost after a transaction") {
    wire.how = net::errc::connection_lost;
    CHECK_FALSE(client({cancelled, give_up})->transaction(report));
    CHECK(wire.requests == 1);
  }
  SECTION("it refuses") {
    wire.away = 0;
    wire.status = 422;
    CHECK_FALSE(client({cancelled, give_up})->read("MeasureReport", "1", 0));
    CHECK(wire.requests == 1);
  }
  SECTION("the attempt is given up, or the engine stops") {
    wire.away = 1'000;
    std::thread later([&, which = GENERATE(true, false)] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      *(which ? cancelled : give_up) = true;
    });
    CHECK_FALSE(client({cancelled, give_up})->read("MeasureReport", "1", 0));
    later.join();
    CHECK(wire.requests < 5);
  }
  SECTION("deployment and operators are told at once") {
    CHECK_FALSE(client({})->read("MeasureReport", "1", 0));
    CHECK(wire.requests == 1);
  }
}

TEST_CASE("endpoint client: an identifier that the resource has is kept") {
  server s;
  storage::store_options o;
  o.rows = storage::memory_kv::create();
  auto store = storage::store::open(std::move(o));
  REQUIRE(store);
  auto own = report;
  own.set("identifier", json::array{json::object{{"system", "urn:s"}, {"value", "v"}}});
  REQUIRE(make_endpoint_client(s, {"https://dmz/fhir", 1'000, {}}, **store, base::system_entropy(), 7)->create(own, "job/1"));
  CHECK(s.resources.begin()->first == "identifier=urn%3As%7Cv");
}
