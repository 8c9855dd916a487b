// An engine without threads, as the simulation drives it (docs/design.md, decision 19).
#include <catch2/catch.hpp>

#include "actors/engine.hpp"
#include "actors/inbox.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;

namespace {

struct no_network final : net::transport {
  void send(net::client_request, std::int64_t, net::client_callback done) override {
    done(net::fail(net::errc::connection_refused, "no network"));
  }
};

struct engine_without_threads {
  base::manual_clock clock;
  base::seeded_entropy entropy{1};
  std::shared_ptr<storage::memory_kv> rows = storage::memory_kv::create();
  std::unique_ptr<storage::store> store;
  definitions processes;
  plugins::handler_registry handlers;
  site_events events;
  base::logger log{clock, "test", base::log_level::off, base::null_log_sink()};
  no_network wire;
  std::unique_ptr<engine> running;

  engine_without_threads() {
    storage::store_options o;
    o.rows = rows;
    o.clock = &clock;
    o.entropy = &entropy;
    o.by_hand = true;
    store = std::move(*storage::store::open(std::move(o)));
    engine_context c;
    c.store = store.get();
    c.processes = &processes;
    c.handlers = &handlers;
    c.clock = &clock;
    c.entropy = &entropy;
    c.log = &log;
    c.events = &events;
    running = std::make_unique<engine>(c, wire, engine_drive::by_hand);
  }
  void run_all() {
    while (running->hand().actors() > 0) running->hand().run_actor(running->hand().actors() - 1);
  }
};

}  // namespace

// Would find: a thread that moves the engine by itself, a delayed message on real time, a stop that waits for ever.
TEST_CASE("an engine by hand does nothing by itself, and stops with messages on their way") {
  engine_without_threads e;
  auto hand = e.running->hand();
  CHECK(hand.actors() == 0);
  e.running->start();
  CHECK(hand.actors() > 0);
  CHECK_FALSE(e.running->receiving());
  SECTION("it stops before it has begun") {}
  SECTION("it runs, and waits for the next tick") {
    e.run_all();
    CHECK(e.running->receiving());
    const auto wake = hand.next_wake_us();
    REQUIRE(wake);
    CHECK(*wake > 0);
    hand.advance_us(*wake - 1);
    CHECK(hand.actors() == 0);
    hand.advance_us(1);
    CHECK(hand.actors() == 1);
    CHECK(hand.next_wake_us() == std::nullopt);
  }
  e.running->stop();
  CHECK(hand.actors() == 0);
  CHECK_FALSE(hand.next_wake_us());
}

TEST_CASE("several engines by hand live on one thread") {
  engine_without_threads a, b;
  a.running->start();
  b.running->start();
  b.run_all();
  CHECK(b.running->receiving());
  CHECK_FALSE(a.running->receiving());
  b.running->stop();
  a.run_all();
  CHECK(a.running->receiving());
  a.running->stop();
}
