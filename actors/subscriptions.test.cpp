// What bound clients hear, in which form, and what happens to those that can't keep up (dsf-fhir-server 5).
#include "actors/subscriptions.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>

#include "actors/fhir_endpoint.hpp"
#include "actors/site_events.hpp"
#include "base/entropy.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/storable.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;
using base::json;

namespace {

const std::string base_url = "https://localhost/fhir";
const std::string own_thumbprint(128, 'a');

// The other end of a connection.
class ear final : public net::websocket::target {
public:
  void send_text(std::string text) override {
    std::unique_lock lock{mutex_};
    texts_.push_back(std::move(text));
    changed_.notify_all();
    changed_.wait(lock, [&] { return !stuck_; });
  }
  void end(std::uint16_t code, std::string reason) override { note("end " + std::to_string(code) + " " + reason); }
  void cut() override { note("cut"); }
  void stuck(bool now) {
    const std::lock_guard lock{mutex_};
    stuck_ = now;
    changed_.notify_all();
  }
  // The n-th thing that came.
  std::string heard(std::size_t n) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return texts_.size() > n; });
    return n < texts_.size() ? texts_[n] : "nothing";
  }
  std::size_t count() {
    const std::lock_guard lock{mutex_};
    return texts_.size();
  }

private:
  void note(std::string text) {
    const std::lock_guard lock{mutex_};
    texts_.push_back(std::move(text));
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
  bool stuck_ = false;
};

struct site {
  std::unique_ptr<storage::store> store;
  work_pool work{2};
  site_events events;
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  std::unique_ptr<endpoint_caches> caches;
  std::unique_ptr<fhir_endpoint> endpoint;
  std::unique_ptr<subscriptions> heard;

  explicit site(base::clock& time = base::system_clock_source()) {
    storage::store_options o;
    o.rows = storage::memory_kv::create();
    o.limits.feed_rows = 1'000;
    store = *storage::store::open(std::move(o));
    caches = std::make_unique<endpoint_caches>(*store, fhir::identity_config{base_url, "site-a", {}});
    endpoint_options options;
    options.config.base_url = base_url;
    options.config.organization_identifier = "site-a";
    endpoint = std::make_unique<fhir_endpoint>(options, *store, *caches, work, nullptr, nullptr, base::system_clock_source(),
                                               base::system_entropy(), log, events);
    heard = std::make_unique<subscriptions>(options.config, *store, *caches, time, log);
    store->on_commit([this](std::span<const storage::feed_entry> entries) {
      caches->on_commit(entries);
      heard->changed();
    });
    // Of the parent's form, which needs no endpoint.
    create("Organization",
           R"({"resourceType":"Organization","meta":{"profile":["http://dsf.dev/fhir/StructureDefinition/organization-parent"],)"
           R"("tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ALL"}]},)"
           R"("extension":[{"url":"http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint","valueString":")" +
               own_thumbprint +
               R"("}],"identifier":[{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a"}],"active":true,"name":"a"})");
  }
  ~site() {
    heard->stop();
    work.stop();
    (void)store->close();  // its thread tells the listener of the last commit
  }
  std::string create(const std::string& type, const std::string& body) {
    fhir::interaction_request r;
    r.method = fhir::http_method::post;
    r.path = type;
    r.content_type = r.accept = "application/fhir+json";
    r.body = body;
    std::promise<std::pair<int, std::string>> done;
    endpoint->handle_as(fhir::initial_data_loader(caches->config()), r, [&](const fhir::reply& reply) {
      std::string location;
      for (const auto& h : reply.headers)
        if (h.first == "Location") location = h.second;
      done.set_value({reply.status, location});
    });
    const auto [status, location] = done.get_future().get();
    REQUIRE(status == 201);
    const auto at = location.find(type + "/") + type.size() + 1;
    return location.substr(at, 36);
  }
  std::string subscribe(const std::string& payload, const std::string& status = "active") {
    return create(
        "Subscription",
        R"({"resourceType":"Subscription","meta":{"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"LOCAL"}]},)"
        R"("status":")" +
            status + R"(","reason":"test","criteria":"Task?status=requested","channel":{"type":"websocket")" +
            (payload.empty() ? "" : R"(,"payload":")" + payload + "\"") + "}}");
  }
  // A connection of the local organisation.
  net::websocket_handlers connect(const std::shared_ptr<ear>& e, std::int64_t certificate_s = 3'600) {
    auto peer = std::make_shared<net::peer>();
    peer->thumbprint = own_thumbprint;
    peer->not_after = {base::system_clock_source().now().us + certificate_s * base::us_per_s};
    net::request r;
    r.peer = std::move(peer);
    auto verdict = heard->judge(r, "/ws");
    REQUIRE(verdict.open);
    return verdict.open(net::websocket(e));
  }
  base::uuid task(const std::string& status) {
    const auto id = base::uuid::random(base::system_entropy());
    const auto own = R"({"type":"Organization","identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a"}})";
    const auto resource = *json::parse(R"({"resourceType":"Task","status":")" + status + R"(","intent":"order","requester":)" + own +
                                       R"(,"restriction":{"recipient":[)" + own + R"(]}})");
    const auto facts = *caches->facts();
    auto body = *fhir::make_storable(resource, id);
    storage::put_resource put;
    put.type = "Task";
    put.id = id;
    put.meta_at = body.meta_at;
    put.body = std::move(body.bytes);
    put.index = fhir::index_entries(resource, facts->allow_list.get(), base_url);
    put.access_class = fhir::access_class_of(resource, *facts->allow_list, base_url);
    storage::commit c;
    c.operations.emplace_back(std::move(put));
    REQUIRE(store->submit_wait(std::move(c)));
    return id;
  }
};

}  // namespace

TEST_CASE("subscriptions: the resource as JSON or XML, or only a sign, as the payload says", "[subscriptions]") {
  site s;
  const auto e = std::make_shared<ear>();
  const auto client = s.connect(e);
  const auto bind = [&](const std::string& payload) {
    const auto id = s.subscribe(payload);
    client.on_text("bind " + id);
    REQUIRE(e->heard(0) == "bound " + id);
    return id;
  };
  SECTION("application/fhir+json") {
    bind("application/fhir+json");
    s.task("in-progress");
    const auto id = s.task("requested");
    const auto heard = json::parse(e->heard(1));
    REQUIRE(heard);
    CHECK((*heard)["id"].str() == id.to_string());
    CHECK((*heard)["meta"]["versionId"].str() == "1");
    CHECK(e->heard(1).find('\n') == std::string::npos);
  }
  SECTION("application/fhir+xml") {
    bind("application/fhir+xml");
    s.task("in-progress");
    const auto id = s.task("requested");
    const auto heard = fhir::read_xml(e->heard(1));
    REQUIRE(heard.ok());
    CHECK(heard.resource["id"].str() == id.to_string());
    CHECK(heard.resource["status"].str() == "requested");
  }
  SECTION("none") {
    const auto id = bind("");
    s.task("in-progress");
    s.task("requested");
    CHECK(e->heard(1) == "ping " + id);
  }
  CHECK(e->count() == 2);
  client.on_end({1001, ""});
}

TEST_CASE("subscriptions: what can't be bound closes the connection with 1003", "[subscriptions]") {
  site s;
  const auto e = std::make_shared<ear>();
  const auto client = s.connect(e);
  const auto id = s.subscribe("application/fhir+json", "off");
  client.on_text("bind " + id);
  CHECK(e->heard(0) == "end 1003 Subscription with " + id + " not found");
}

// Would find: events that are lost in silence when matching falls behind the feed's limit.
TEST_CASE("subscriptions: who would miss something because the feed was cut is cut, too, and hears all after it comes back",
          "[subscriptions]") {
  site s;
  const auto e = std::make_shared<ear>();
  const auto client = s.connect(e);
  const auto id = s.subscribe("application/fhir+json");
  client.on_text("bind " + id);
  REQUIRE(e->heard(0) == "bound " + id);
  e->stuck(true);
  s.task("requested");
  REQUIRE(e->heard(1) != "nothing");
  for (int i = 0; i < 3'000; ++i)
    s.store->submit(
        [] {
          storage::commit c;
          c.operations.emplace_back(storage::put_row{storage::table::timer, "t", ""});
          return c;
        }(),
        nullptr);
  s.task("requested");
  e->stuck(false);
  CHECK(e->heard(2) == "cut");
  const auto again = std::make_shared<ear>();
  const auto next = s.connect(again);
  next.on_text("bind " + id);
  REQUIRE(again->heard(0) == "bound " + id);
  const auto task = s.task("requested");
  const auto heard = json::parse(again->heard(1));
  REQUIRE(heard);
  CHECK((*heard)["id"].str() == task.to_string());
  CHECK(e->count() == 3);
}

TEST_CASE("subscriptions: who is no longer valid hears nothing more, and is told so with 1008", "[subscriptions]") {
  base::manual_clock clock(base::system_clock_source().now());
  site s(clock);
  const auto e = std::make_shared<ear>();
  const auto client = s.connect(e, 600);
  const auto id = s.subscribe("application/fhir+json");
  client.on_text("bind " + id);
  REQUIRE(e->heard(0) == "bound " + id);
  clock.advance_us(590 * base::us_per_s);
  s.task("requested");
  REQUIRE(e->heard(1).starts_with("{"));
  clock.advance_us(20 * base::us_per_s);
  s.task("requested");
  CHECK(e->heard(2) == "end 1008 Credentials expired");
  CHECK(e->count() == 3);
}

// Would find: a client that is cut because matching had not yet come to the commit in which its Subscription was made.
TEST_CASE("subscriptions: a new Subscription can be bound at once", "[subscriptions]") {
  site s;
  const auto busy = std::make_shared<ear>(), e = std::make_shared<ear>();
  const auto first = s.connect(busy), second = s.connect(e);
  const auto id = s.subscribe("application/fhir+json");
  first.on_text("bind " + id);
  REQUIRE(busy->heard(0) == "bound " + id);
  // Matching stands still while the next Subscription is made and bound.
  busy->stuck(true);
  s.task("requested");
  REQUIRE(busy->heard(1) != "nothing");
  const auto fresh = s.subscribe("application/fhir+xml");
  second.on_text("bind " + fresh);
  busy->stuck(false);
  REQUIRE(e->heard(0) == "bound " + fresh);
  s.task("requested");
  CHECK(e->heard(1).starts_with("<"));
}
