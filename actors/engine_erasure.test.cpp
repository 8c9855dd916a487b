// Data that go while an engine works with them (docs/decisions/erasure.md).
#include "actors/engine_fixture.test.hpp"
#include "actors/erasure.hpp"
#include "storage/errors.hpp"

using namespace dsf;
using namespace dsf::actors;
using namespace dsf::actors::testing;

// Faults: an instance that meets the same conflict or the same unreadable value for ever, and nobody hears of it.
TEST_CASE("an instance whose data key vanished ends as failed, and its Task tells why") {
  fixture f;
  f.running->holds().hold("test.Second");
  const auto start = f.post("startTwice", "e1", "twice");
  REQUIRE(f.eventually([&] { return f.count(storage::table::data_key) == 1; }));
  std::string late;
  SECTION("in memory, while its next step would store more") {
    f.lose_keys();
    f.running->holds().release("test.Second");
  }
  SECTION("with its Task erased or deleted too") {
    storage::commit c;
    c.operations.push_back(storage::delete_resource{"Task", *base::uuid::parse(start)});
    REQUIRE(f.store->submit_wait(std::move(c)));
    f.lose_keys();
    f.running->holds().release("test.Second");
  }
  SECTION("not in memory, when a message comes") {
    f.running->holds().release("test.Second");
    REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1 && f.running->live_instances() == 0; }));
    f.lose_keys();
    late = f.post("go", "e1", "twice");
  }
  SECTION("at a start, with a handler to be run") {
    f.close();
    storage::store_options o;
    o.rows = f.rows;
    f.store = std::move(*storage::store::open(std::move(o)));
    f.lose_keys();
    REQUIRE(f.store->close());
    f.open();
  }
  REQUIRE(f.eventually([&] { return !(*f.store->view()->instances(0, 10)).front().is_live(); }));
  if (const auto stored = f.store->view()->current("Task", *base::uuid::parse(start)); *stored && !(*stored)->deleted) {
    CHECK(f.status(start) == "failed");
    CHECK(f.task(start)["output"][0]["valueString"].str().find("erased") != std::string::npos);
  }
  if (!late.empty()) CHECK(f.eventually([&] { return f.status(late) == "failed"; }));
  CHECK(f.eventually([&] { return f.clean(); }));
}

// Faults: handlers that can't read a Task of their instance any more, an erasure that is refused for ever.
TEST_CASE("a finished Task is not erased while its instance runs") {
  fixture f;
  const auto start = f.post("startAsk", "k20");
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  const auto id = base::uuid::random(base::system_entropy());
  auto finished = f.task(start);
  finished.set("status", "completed");
  storage::commit c;
  c.operations.push_back(*f.shared.write_task(finished, id));
  REQUIRE(f.store->submit_wait(std::move(c)));
  const auto refused = erase_resource(*f.store, "Task", id);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text().find("still runs") != std::string::npos);
  f.post("answer", "k20");
  REQUIRE(f.eventually([&] { return f.clean(); }));
  CHECK(erase_resource(*f.store, "Task", id).error().is(storage::errc::erased));  // nothing of so short a Task was sealed
  CHECK(erase_resource(*f.store, "Task", base::uuid::random(base::system_entropy())).error().is(storage::errc::not_found));
}
