// The engine's half towards its endpoint, with an endpoint that loses answers and is written by others.
#include <catch2/catch.hpp>

#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "actors/inbox.hpp"
#include "actors/link/arrivals.hpp"
#include "actors/link/deliveries.hpp"
#include "base/entropy.hpp"
#include "fhir/storable.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;
using base::json;

namespace {

std::string new_id() { return base::uuid::random(base::system_entropy()).to_string(); }

json task_of(const std::string& id, const std::string& status, std::uint64_t version,
             const std::string& updated = "2026-01-01T10:00:00.000Z") {
  return *json::parse(R"({"resourceType":"Task","id":")" + id + R"(","meta":{"versionId":")" + std::to_string(version) +
                      R"(","lastUpdated":")" + updated + R"("},"status":")" + status + R"(","intent":"order","input":[]})");
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

std::unique_ptr<storage::store> open_store(std::shared_ptr<storage::memory_kv> rows) {
  storage::store_options o;
  o.rows = std::move(rows);
  auto s = storage::store::open(std::move(o));
  REQUIRE(s);
  return std::move(*s);
}

// Tasks with versions, over HTTP without a wire.
class fake_endpoint final : public net::transport {
public:
  void send(net::client_request r, std::int64_t, net::client_callback done) override {
    const std::lock_guard lock{mutex_};
    ++requests_;
    const auto id = r.url.substr(r.url.rfind('/') + 1);
    if (away_) return done(net::fail(net::errc::connection_refused, "connection refused"));
    if (!tasks_.contains(id)) return done(net::client_response{.status = 404, .headers = {}, .body = {}});
    auto& versions = tasks_[id];
    net::client_response answer;
    answer.status = 200;
    if (r.method == "PUT") {
      if (r.headers.value("If-Match") != "W/\"" + std::to_string(versions.size()) + "\"") {
        answer.status = 412;
        return done(std::move(answer));
      }
      versions.push_back(*json::parse(r.body.view()));
      changed_.notify_all();
      if (lose_ > 0) {
        --lose_;
        return done(net::fail(net::errc::connection_lost, "the connection was lost after the request was sent"));
      }
    } else {
      auto body = versions.back();
      body.set("meta", json::object{{"versionId", std::to_string(versions.size())}});
      answer.body = body.dump();
    }
    answer.headers.add("ETag", "W/\"" + std::to_string(versions.size()) + "\"");
    done(std::move(answer));
  }
  void write(const std::string& id, json task) {
    const std::lock_guard lock{mutex_};
    tasks_[id].push_back(std::move(task));
  }
  void lose_answers(int n) {
    const std::lock_guard lock{mutex_};
    lose_ = n;
  }
  void away(bool now) {
    const std::lock_guard lock{mutex_};
    away_ = now;
  }
  int requests() {
    const std::lock_guard lock{mutex_};
    return requests_;
  }
  std::vector<std::string> statuses(const std::string& id) {
    const std::lock_guard lock{mutex_};
    std::vector<std::string> out;
    for (const auto& v : tasks_[id]) out.push_back(v["status"].str());
    return out;
  }
  bool wait_for(const std::string& id, const std::string& status) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return tasks_[id].back()["status"].str() == status; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<json>> tasks_;
  int lose_ = 0, requests_ = 0;
  bool away_ = false;
};

struct half {
  half() { open(); }
  ~half() { stop_delivering(); }
  void open() {
    store = open_store(rows);
    in = std::make_unique<arrivals>(*store, put_of, log);
  }
  // As after a kill of the program: only what is in the store is left.
  void restart() {
    stop_delivering();
    in.reset();
    REQUIRE(store->close());
    store.reset();
    open();
  }
  void deliver() {
    {
      const std::lock_guard lock{out_mutex};
      out = std::make_unique<deliveries>(*store, endpoint, "https://dmz/fhir", base::system_clock_source(), base::system_entropy(), log);
    }
    // On the commit thread.
    store->on_commit([this](auto) {
      const std::lock_guard lock{out_mutex};
      if (out) out->changed();
    });
  }
  void stop_delivering() {
    std::unique_ptr<deliveries> gone;
    const std::lock_guard lock{out_mutex};
    gone.swap(out);
  }
  std::string arrive() {
    const auto id = new_id();
    endpoint.write(id, task_of(id, "requested", 1));
    REQUIRE(in->take(std::vector{task_of(id, "requested", 1)}));
    return id;
  }
  // What the engine does in its own commit.
  void engine_writes(const std::string& id, std::vector<std::string> statuses) {
    storage::commit c;
    for (const auto& s : statuses) c.operations.push_back(*put_of(task_of(id, s, 0), *base::uuid::parse(id)));
    note_undelivered(c);
    REQUIRE(store->submit_wait(std::move(c)));
  }
  std::size_t inbox() { return store->view()->rows(storage::table::inbox, {}, 100)->size(); }
  bool nothing_waits() {
    for (int i = 0; i < 500; ++i) {
      if (store->view()->rows(storage::table::meta, undelivered_prefix, 1)->empty()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::shared_ptr<storage::memory_kv> rows = storage::memory_kv::create();
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  fake_endpoint endpoint;
  std::mutex out_mutex;
  std::unique_ptr<storage::store> store;
  std::unique_ptr<arrivals> in;
  std::unique_ptr<deliveries> out;
};

}  // namespace

TEST_CASE("link: a Task that comes twice, by any way and after a restart, is taken over once", "[link]") {
  half h;
  const auto a = new_id(), b = new_id();
  const auto first = h.in->take(std::vector{task_of(a, "requested", 1), task_of(a, "requested", 1), task_of(b, "in-progress", 2)});
  REQUIRE(first);
  CHECK(first->taken == 1);
  CHECK(first->known == 1);
  CHECK(h.inbox() == 1);
  h.restart();
  const auto again = h.in->take(std::vector{task_of(b, "requested", 1, "2026-01-01T10:00:05.250Z"), task_of(a, "requested", 1)});
  REQUIRE(again);
  CHECK(again->taken == 1);
  CHECK(h.inbox() == 2);
  h.restart();
  CHECK(base::to_iso(**h.in->cursor()) == "2026-01-01T10:00:05.250Z");
}

TEST_CASE("link: what is wrong in a Task of the endpoint is an error, and takes nothing over", "[link]") {
  half h;
  auto broken = task_of(new_id(), "requested", 1);
  broken.set("meta", json::object{{"lastUpdated", "2026-01-01T10:00:00.000Z"}});
  CHECK_FALSE(h.in->take(std::vector{broken}));
  CHECK(h.inbox() == 0);
  CHECK_FALSE(h.in->cursor()->has_value());
}

TEST_CASE("link: versions of a Task reach the endpoint each by itself and in order", "[link]") {
  half h;
  h.deliver();
  const auto id = h.arrive();
  h.engine_writes(id, {"in-progress", "completed"});
  CHECK(h.endpoint.wait_for(id, "completed"));
  CHECK(h.endpoint.statuses(id) == std::vector<std::string>{"requested", "in-progress", "completed"});
  CHECK(h.nothing_waits());
}

TEST_CASE("link: an answer that was lost is not a second version", "[link]") {
  half h;
  h.deliver();
  const auto id = h.arrive();
  h.endpoint.lose_answers(1);
  h.engine_writes(id, {"in-progress"});
  CHECK(h.nothing_waits());
  h.engine_writes(id, {"completed"});
  CHECK(h.nothing_waits());
  CHECK(h.endpoint.statuses(id) == std::vector<std::string>{"requested", "in-progress", "completed"});
}

TEST_CASE("link: a restart between versions goes on where the endpoint stands", "[link]") {
  half h;
  const auto id = h.arrive();
  h.endpoint.away(true);
  h.deliver();
  h.engine_writes(id, {"in-progress"});
  h.restart();
  h.engine_writes(id, {"completed"});
  h.endpoint.away(false);
  h.deliver();
  CHECK(h.nothing_waits());
  CHECK(h.endpoint.statuses(id) == std::vector<std::string>{"requested", "in-progress", "completed"});
}

TEST_CASE("link: while the endpoint is away it is asked seldom, and at once when it is back", "[link]") {
  half h;
  h.endpoint.away(true);
  h.deliver();
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) {
    ids.push_back(h.arrive());
    h.engine_writes(ids.back(), {"in-progress", "failed"});
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  CHECK(h.endpoint.requests() < 100);
  h.endpoint.away(false);
  h.out->try_now();
  CHECK(h.nothing_waits());
  for (const auto& id : ids) CHECK(h.endpoint.statuses(id) == std::vector<std::string>{"requested", "in-progress", "failed"});
}

TEST_CASE("link: a Task that somebody else changed", "[link]") {
  half h;
  const auto id = h.arrive();
  SECTION("is written again where its status still allows it") {
    h.endpoint.write(id, task_of(id, "requested", 2));
    h.deliver();
    h.engine_writes(id, {"in-progress", "completed"});
    CHECK(h.nothing_waits());
    CHECK(h.endpoint.statuses(id) == std::vector<std::string>{"requested", "requested", "in-progress", "completed"});
  }
  SECTION("is left alone where it has ended") {
    h.endpoint.write(id, task_of(id, "failed", 2));
    h.deliver();
    h.engine_writes(id, {"in-progress"});
    CHECK(h.nothing_waits());
    h.engine_writes(id, {"completed"});
    CHECK(h.nothing_waits());
    CHECK(h.endpoint.statuses(id) == std::vector<std::string>{"requested", "failed"});
  }
}
