// What leaves the engine's half of a split site when a Task is over, and what a late event about it does.
#include <catch2/catch.hpp>

#include <mutex>
#include <thread>

#include "actors/inbox.hpp"
#include "actors/link/endpoint_link.hpp"
#include "actors/link/rows.hpp"
#include "actors/link/trimming.hpp"
#include "base/bytes.hpp"
#include "base/entropy.hpp"
#include "fhir/storable.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;
using base::json;

namespace {

const std::string at_ten = "2026-01-01T10:00:00.000Z", at_noon = "2026-01-01T12:00:00.000Z";

json task_of(const std::string& id, const std::string& status, const std::string& updated, const std::string& key = "") {
  auto task = *json::parse(R"({"resourceType":"Task","id":")" + id + R"(","meta":{"versionId":"1","lastUpdated":")" + updated +
                           R"("},"status":")" + status + R"(","intent":"order","input":[]})");
  if (key.empty()) return task;
  task.set("instantiatesCanonical", "http://test.org/bpe/Process/x|1.0");
  const auto input = [](std::string_view code, const std::string& text) {
    return json(json::object{
        {"type",
         json::object{{"coding", json::array{json::object{{"system", "http://dsf.dev/fhir/CodeSystem/bpmn-message"}, {"code", code}}}}}},
        {"valueString", text}});
  };
  task.set("input", json::array{input("message-name", "m"), input("business-key", key)});
  return task;
}

base::result<storage::put_resource> put_of(const json& task, base::uuid id) {
  auto body = TRY(fhir::make_storable(task, id));
  storage::put_resource put;
  put.type = "Task";
  put.id = id;
  put.meta_at = body.meta_at;
  put.body = std::move(body.bytes);
  return put;
}

struct engine_store {
  engine_store() {
    storage::store_options o;
    o.rows = storage::memory_kv::create();
    store = *storage::store::open(std::move(o));
    in = std::make_unique<arrivals>(*store, put_of, log);
  }
  std::string arrive(const std::string& updated, const std::string& key = "") {
    auto id = base::uuid::random(base::system_entropy()).to_string();
    REQUIRE(in->take(std::vector{task_of(id, "requested", updated, key)}));
    return id;
  }
  // As after its versions have reached the endpoint, but for the last `missing` ones.
  void write(const std::string& id, const std::string& status, std::uint64_t missing = 0, const std::string& key = "") {
    const auto uuid = *base::uuid::parse(id);
    storage::commit c;
    c.operations.emplace_back(*put_of(task_of(id, status, at_ten, key), uuid));
    if (missing > 0) note_undelivered(c);
    auto at = *decode_task_position(**store->view()->row_value(storage::table::meta, task_key(id)));
    at.delivered = (*store->view()->current("Task", uuid))->version + 1 - missing;
    c.operations.emplace_back(storage::put_row{storage::table::meta, task_key(id), encode(at)});
    REQUIRE(store->submit_wait(std::move(c)));
  }
  bool there(const std::string& id) {
    const auto view = store->view();
    const bool copy = view->current("Task", *base::uuid::parse(id))->has_value(),
               position = view->row_value(storage::table::meta, task_key(id))->has_value();
    REQUIRE(copy == position);
    return copy;
  }
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  std::unique_ptr<storage::store> store;
  std::unique_ptr<arrivals> in;
};

base::timestamp hour(int h) { return *base::parse_iso("2026-01-01T" + std::to_string(h) + ":00:00.000Z"); }

// An endpoint for which a test decides what it says.
struct scripted_endpoint final : plugins::fhir_client {
  base::result<json> read(std::string_view, std::string_view, std::uint64_t) override { return base::fail(base::errc::internal, "unused"); }
  base::result<json> create(const json&, std::string_view) override { return base::fail(base::errc::internal, "unused"); }
  base::result<json> transaction(const json&) override { return base::fail(base::errc::internal, "unused"); }
  base::result<json> search(std::string_view query) override {
    const std::lock_guard lock{mutex};
    json::array entries;
    const auto add = [&](json resource) {
      entries.push_back(json::object{{"resource", std::move(resource)}, {"search", json::object{{"mode", "match"}}}});
    };
    if (query.starts_with("Subscription?")) add(json::object{{"resourceType", "Subscription"}, {"id", "sub"}});
    if (query.starts_with("Task?_id=")) {
      ++asked;
      for (const auto& t : requested)
        if (query.find(t["id"].str()) != query.npos) add(t);
    } else if (query.starts_with("Task?")) {
      ++searches;
      for (const auto& t : found) add(t);
    }
    return json(json::object{{"resourceType", "Bundle"}, {"entry", std::move(entries)}});
  }
  std::mutex mutex;
  std::vector<json> requested;  // as a question about one of them is answered
  std::vector<json> found;      // by the search for what was missed
  int searches = 0, asked = 0;
};

struct no_transport final : net::transport {
  void send(net::client_request, std::int64_t, net::client_callback done) override {
    done(net::fail(net::errc::connection_refused, "no network"));
  }
};

struct linked : engine_store {
  struct wire final : net::websocket::target {
    void send_text(std::string text) override {
      // On another thread: who sends holds what the answer needs.
      if (text == "bind sub") std::thread([heard = handlers.on_text] { heard("bound sub"); }).detach();
    }
    void end(std::uint16_t, std::string) override {}
    void cut() override {}
    net::websocket_handlers handlers;
  };
  linked() {
    link_parts p;
    p.store = store.get();
    p.transport = &transport;
    p.endpoint = &endpoint;
    p.clock = &base::system_clock_source();
    p.entropy = &base::system_entropy();
    p.log = &log;
    p.make_put = put_of;
    p.reached = []() -> base::result<> { return {}; };
    p.open = [this](net::websocket_handlers h, const std::function<void(net::result<net::websocket>)>& done) {
      auto w = std::make_shared<wire>();
      w->handlers = std::move(h);
      {
        const std::lock_guard lock{mutex};
        connection = w;
      }
      done(net::websocket(w));
    };
    link = std::make_unique<endpoint_link>(link_options{}, std::move(p));
  }
  ~linked() { link->stop(); }
  template <class So>
  bool soon(So so) {
    for (int i = 0; i < 500; ++i) {
      if (so()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  void start() {
    link->start();
    REQUIRE(soon([&] { return link->status().connected; }));
  }
  void say(const json& resource) {
    const std::lock_guard lock{mutex};
    connection->handlers.on_text(resource.dump());
  }
  std::size_t inbox() { return store->view()->rows(storage::table::inbox, {}, 100)->size(); }

  scripted_endpoint endpoint;
  no_transport transport;
  std::mutex mutex;
  std::shared_ptr<wire> connection;
  std::unique_ptr<endpoint_link> link;
};

}  // namespace

TEST_CASE("trimming: a copy goes when its Task is over everywhere, and not before", "[link]") {
  engine_store s;
  const auto over = s.arrive(at_ten), failed = s.arrive(at_ten), at_work = s.arrive(at_ten), not_there = s.arrive(at_ten),
             of_living = s.arrive(at_ten, "k"), young = s.arrive("2026-01-01T11:30:00.000Z");
  s.write(over, "in-progress");
  s.write(over, "completed");
  s.write(failed, "failed");
  s.write(at_work, "in-progress");
  s.write(not_there, "completed", 1);
  s.write(of_living, "completed", 0, "k");
  s.write(young, "completed");
  const auto living = storage::keys::business_key(0, "testorg_x|1.0", "k");
  storage::commit c;
  c.operations.emplace_back(storage::put_row{storage::table::business_key, living, "\1"});
  REQUIRE(s.store->submit_wait(std::move(c)));

  trimming t(*s.store);
  auto done = t.step(hour(10));
  REQUIRE(done);
  CHECK(done->trimmed == 0);
  CHECK(done->round_over);
  done = t.step(hour(12));
  REQUIRE(done);
  CHECK(done->trimmed == 2);
  CHECK_FALSE(s.there(over));
  CHECK_FALSE(s.there(failed));
  for (const auto& id : {at_work, not_there, of_living, young}) CHECK(s.there(id));
  c = {};
  c.operations.emplace_back(storage::delete_row{storage::table::business_key, living});
  REQUIRE(s.store->submit_wait(std::move(c)));
  done = t.step(hour(12));
  REQUIRE(done);
  CHECK(done->trimmed == 1);
  CHECK_FALSE(s.there(of_living));
}

TEST_CASE("trimming: a position of an older store has no time, and stays", "[link]") {
  std::string row(1, '\1');
  base::put_u64(row, 3);
  base::put_u64(row, 2);
  const auto at = decode_task_position(row);
  REQUIRE(at);
  CHECK(*at == task_position{3, 2, {}});
  CHECK(*decode_task_position(encode({3, 2, hour(10)})) == task_position{3, 2, hour(10)});
}

// Would find: a Task that is done twice, because the news of it came when nobody remembered it any more.
TEST_CASE("link: an event that comes late enough for its Task to be forgotten is believed only if the endpoint says so still", "[link]") {
  linked l;
  const auto noon = l.arrive(at_noon);
  l.start();
  const auto done = base::uuid::random(base::system_entropy()).to_string(), open = base::uuid::random(base::system_entropy()).to_string(),
             young = base::uuid::random(base::system_entropy()).to_string();
  l.endpoint.requested = {task_of(open, "requested", at_ten)};
  l.say(task_of(done, "requested", at_ten));
  l.say(task_of(open, "requested", at_ten));
  l.say(task_of(young, "requested", "2026-01-01T11:30:00.000Z"));
  CHECK(l.soon([&] { return l.inbox() == 3; }));
  CHECK(l.endpoint.asked == 2);
  CHECK_FALSE(l.store->view()->current("Task", *base::uuid::parse(done))->has_value());
}

TEST_CASE("link: a connection that ends is made again, and what came meanwhile is searched for", "[link]") {
  linked l;
  l.start();
  auto s = l.link->status();
  CHECK(s.bound);
  CHECK(s.catch_ups == 1);
  const auto bound_at = s.last_event;
  CHECK(bound_at.us > 0);
  {
    const std::lock_guard lock{l.endpoint.mutex};
    l.endpoint.found = {task_of(base::uuid::random(base::system_entropy()).to_string(), "requested", at_noon)};
  }
  // As the endpoint does when its feed was cut before this client heard of it.
  l.connection->handlers.on_end({1006, "cut"});
  CHECK(l.soon([&] { return l.link->status().catch_ups == 2 && l.link->status().connected; }));
  CHECK(l.inbox() == 1);
  s = l.link->status();
  CHECK(s.bound);
  CHECK(s.last_event.us > bound_at.us);
}
