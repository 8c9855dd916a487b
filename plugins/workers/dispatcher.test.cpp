// Who gets which activation. Faults these find: more activations than credits, one lost with its worker or given to two, an outcome after a
// loss that counts, a queue that keeps others waiting, claims that the settings do not allow.
#include <catch2/catch.hpp>

#include "plugins/workers/testing_impl.hpp"

using namespace dsf;
using namespace dsf::plugins;
using namespace dsf::plugins::workers;
using namespace dsf::plugins::workers::testing;
namespace wire = dsf::worker::v1;

namespace {

struct fixture {
  base::manual_clock clock;
  base::seeded_entropy entropy{1};
  base::logger log{clock, "test", base::log_level::off, base::null_log_sink()};
  std::vector<host_call> calls;
  std::shared_ptr<dispatcher> d;

  explicit fixture(worker_options o = options()) {
    d = std::make_shared<dispatcher>(std::move(o), clock, entropy, log, [this](host_call c) { calls.push_back(std::move(c)); });
  }
  struct opened {
    std::uint64_t number;
    std::shared_ptr<kept_port> port;
  };
  opened open(const wire::Hello& h, worker_identity who = {}) {
    auto port = std::make_shared<kept_port>();
    return {d->open(h, who, port), port};
  }
  struct submitted {
    std::shared_ptr<kept_attempt> attempt;
    std::shared_ptr<remote_call> call;
  };
  submitted submit(activation a) {
    auto attempt = std::make_shared<kept_attempt>();
    auto c = d->submit(std::move(a), attempt);
    return {attempt, c};
  }
  void complete(std::uint64_t session, std::uint64_t id) {
    wire::FromWorker m;
    m.mutable_outcome()->set_activation_id(id);
    m.mutable_outcome()->mutable_outcome()->mutable_completed();
    d->received(session, std::move(m));
  }
  void beat(std::uint64_t session, std::vector<std::uint64_t> ids = {}) {
    wire::FromWorker m;
    m.mutable_heartbeat();
    for (const auto id : ids) m.mutable_heartbeat()->add_activation_ids(id);
    d->received(session, std::move(m));
  }
  void pass(std::int64_t us) {
    clock.advance_us(us);
    d->tick();
  }
};

}  // namespace

TEST_CASE("a worker never has more activations than credits, and an outcome makes room") {
  fixture f;
  const auto w = f.open(hello(2));
  REQUIRE(w.port->sent.front().has_welcome());
  std::vector<fixture::submitted> all;
  for (int i = 0; i < 5; ++i) all.push_back(f.submit(call("i" + std::to_string(i))));
  CHECK(w.port->activations().size() == 2);
  CHECK(f.d->waiting() == 3);
  CHECK(all[0].attempt->begun == 1);
  CHECK(all[2].attempt->begun == 0);  // its time has not begun
  f.complete(w.number, w.port->activations()[0]);
  CHECK(all[0].attempt->times == 1);
  CHECK(w.port->activations().size() == 3);
  wire::FromWorker less;
  less.mutable_add_credits()->set_credits(-1);
  f.d->received(w.number, std::move(less));
  f.complete(w.number, w.port->activations()[1]);
  CHECK(w.port->activations().size() == 3);  // one under way, one credit
  f.complete(w.number, w.port->activations()[2]);
  CHECK(w.port->activations().size() == 4);
  CHECK(f.d->lines().front().running == 1);
}

TEST_CASE("what a worker had when its connection ended goes to another one at once, with the same key") {
  fixture f;
  const auto a = f.open(hello(1));
  const auto one = f.submit(call("i"));
  REQUIRE(a.port->activations().size() == 1);
  const auto b = f.open(hello(1));
  f.d->closed(a.number);
  CHECK(one.attempt->times == 0);
  REQUIRE(b.port->activations().size() == 1);
  const auto& again = b.port->sent.back().activate();
  CHECK(again.delivery() == 2);
  CHECK(again.activation().idempotency_key() == "job-i");
  f.complete(b.number, again.activation_id());
  CHECK(one.attempt->times == 1);
  CHECK(std::holds_alternative<completed>(*one.attempt->last));
}

TEST_CASE("without another worker a lost attempt is the engine's to try again") {
  fixture f;
  const auto a = f.open(hello(1));
  const auto one = f.submit(call("i"));
  f.d->closed(a.number);
  CHECK(one.attempt->times == 1);
  CHECK(one.attempt->lost());
}

TEST_CASE("an attempt that takes every worker along is given up") {
  fixture f;
  auto now = f.open(hello(1));
  const auto one = f.submit(call("poison"));
  for (int i = 0; i < 5 && one.attempt->times == 0; ++i) {
    const auto next = f.open(hello(1));
    f.d->closed(now.number);
    now = next;
  }
  CHECK(one.attempt->times == 1);
  CHECK(one.attempt->lost());
}

TEST_CASE("a lease that is not renewed expires, and the late outcome is not used") {
  fixture f;
  const auto a = f.open(hello(2));
  const auto one = f.submit(call("i1"));
  const auto two = f.submit(call("i2"));
  const auto ids = a.port->activations();
  f.clock.advance_us(20'000'000);
  f.beat(a.number, {ids[0]});
  f.pass(15'000'000);
  CHECK(one.attempt->times == 0);
  CHECK(two.attempt->times == 1);
  CHECK(two.attempt->lost());
  REQUIRE(a.port->cancelled(ids[1]));
  CHECK(a.port->cancelled(ids[1])->reason() == wire::LEASE_EXPIRED);
  CHECK(f.d->lines().front().running == 2);  // the worker is still busy with it
  f.complete(a.number, ids[1]);
  CHECK(two.attempt->times == 1);
  CHECK(f.d->lines().front().running == 1);
}

TEST_CASE("an expired lease goes to another worker, not back to the one that let it expire") {
  fixture f;
  const auto a = f.open(hello(3));
  const auto one = f.submit(call("i1"));
  const auto b = f.open(hello(1));
  const auto other = f.submit(call("busy"));  // b is the emptier one
  REQUIRE(b.port->activations("busy").size() == 1);
  f.clock.advance_us(20'000'000);
  f.beat(b.number, b.port->activations());
  f.beat(a.number);
  f.pass(15'000'000);
  REQUIRE(a.port->activations("i1").size() == 1);
  f.complete(a.number, a.port->activations("i1")[0]);  // too late: the attempt is not its own any more
  CHECK(one.attempt->times == 0);
  f.complete(b.number, b.port->activations("busy")[0]);
  CHECK(b.port->activations("i1").size() == 1);
}

TEST_CASE("a worker that says nothing for longer than a lease is gone") {
  fixture f;
  const auto a = f.open(hello(1));
  const auto one = f.submit(call("i"));
  f.pass(31'000'000);
  CHECK(a.port->closed);
  CHECK(a.port->at_once);
  CHECK(f.d->lines().empty());
  CHECK(one.attempt->lost());
}

TEST_CASE("an activation waits for a worker, then says which class has none") {
  fixture f;
  const auto one = f.submit(call("i"));
  f.pass(9'000'000);
  CHECK(one.attempt->times == 0);
  SECTION("one comes in time") {
    const auto w = f.open(hello(1));
    CHECK(w.port->activations().size() == 1);
    f.beat(w.number, w.port->activations());
    f.pass(9'000'000);
    CHECK(one.attempt->times == 0);
  }
  SECTION("one for another class comes") {
    f.open(hello(1, {"D"}));
    f.pass(2'000'000);
    CHECK(one.attempt->lost());
    CHECK_THAT(one.attempt->error(), Catch::Contains("no worker is connected for class C of process proc"));
    CHECK(f.d->waiting() == 0);
  }
}

TEST_CASE("cancelling: a waiting activation ends at once, a running one when its worker says so, a missed deadline is not awaited") {
  fixture f;
  const auto w = f.open(hello(2));
  const auto one = f.submit(call("i1"));
  const auto two = f.submit(call("i2"));
  const auto waiting = f.submit(call("i3"));
  waiting.call->cancel(cancel_reason::interrupted);
  CHECK(waiting.attempt->times == 1);
  CHECK(f.d->waiting() == 0);
  const auto ids = w.port->activations();
  one.call->cancel(cancel_reason::interrupted);
  REQUIRE(w.port->cancelled(ids[0]));
  CHECK(w.port->cancelled(ids[0])->reason() == wire::INTERRUPTED);
  CHECK(one.attempt->times == 0);
  f.complete(w.number, ids[0]);
  CHECK(one.attempt->times == 1);
  two.call->cancel(cancel_reason::deadline);
  CHECK(w.port->cancelled(ids[1])->reason() == wire::DEADLINE);
  f.complete(w.number, ids[1]);
  CHECK(two.attempt->times == 0);
  CHECK(f.d->lines().front().running == 0);
}

TEST_CASE("an interrupted activation that is lost is not given to another worker") {
  fixture f;
  const auto a = f.open(hello(1));
  const auto b = f.open(hello(1));
  const auto one = f.submit(call("i"));
  one.call->cancel(cancel_reason::interrupted);
  f.d->closed(a.port->activations().empty() ? b.number : a.number);
  CHECK(one.attempt->times == 1);
  CHECK(a.port->activations().size() + b.port->activations().size() == 1);
}

TEST_CASE("all activations of an instance go to the session that has it") {
  fixture f;
  const auto a = f.open(hello(1));
  const auto first = f.submit(call("i"));
  REQUIRE(a.port->activations().size() == 1);
  const auto b = f.open(hello(5));
  const auto second = f.submit(call("i"));
  CHECK(b.port->activations().empty());
  f.complete(a.number, a.port->activations()[0]);
  CHECK(a.port->activations("i").size() == 2);
  // It drains: what waits for it goes elsewhere.
  const auto third = f.submit(call("i"));
  wire::FromWorker drain;
  drain.mutable_drain();
  f.d->received(a.number, std::move(drain));
  CHECK(b.port->activations("i").size() == 1);
}

TEST_CASE("many activations of one class do not keep another class waiting") {
  fixture f;
  for (int i = 0; i < 10; ++i) f.submit(call("many" + std::to_string(i)));
  f.submit(call("few", "D"));
  const auto w = f.open(hello(1, {"C", "D"}));
  for (int i = 0; i < 2; ++i) f.complete(w.number, w.port->activations().back());
  const auto order = w.port->order();
  CHECK(std::ranges::find(order, "few") != order.end());
  CHECK(order[0] != order[1]);
}

TEST_CASE("a claim of the exact version comes before one of all versions") {
  fixture f;
  const auto all = f.open(hello(5));
  const auto exact = f.open(hello(1, {"C"}, "1.0"));
  f.submit(call("i1"));
  f.submit(call("i2"));
  f.submit(call("i3", "C", "2.0"));
  CHECK(exact.port->activations("i1").size() == 1);
  CHECK(all.port->activations("i2").empty());
  CHECK(all.port->activations("i3").size() == 1);
}

TEST_CASE("a hello is refused with what would mend it") {
  auto o = options();
  o.sessions = 1;
  o.plugins["p"].certificates = {"worker.example"};
  fixture f{o};
  const auto refusal = [&](const wire::Hello& h, worker_identity who = {}) {
    const auto r = f.open(h, who);
    CHECK(r.number == 0);
    CHECK(r.port->closed);
    return r.port->refused();
  };
  auto wrong = hello(1);
  wrong.set_protocol(7);
  CHECK_THAT(refusal(wrong), Catch::StartsWith("protocol:"));
  wrong = hello(1);
  wrong.set_plugin("q");
  CHECK_THAT(refusal(wrong), Catch::Contains("workers.plugins.q.processes"));
  wrong = hello(1);
  wrong.mutable_handlers(0)->set_process_key("dsfdev_ping");
  CHECK_THAT(refusal(wrong), Catch::Contains("workers.plugins.p.processes"));
  CHECK_THAT(refusal(hello(1, {"C", "C"})), Catch::Contains("named twice"));
  CHECK_THAT(refusal(hello(1, {})), Catch::StartsWith("handlers:"));
  CHECK_THAT(refusal(hello(1, {""})), Catch::StartsWith("handlers:"));
  CHECK_THAT(refusal(hello(1), {false, "other.example", "ip"}), Catch::Contains("workers.plugins.p.certificates"));
  CHECK(f.open(hello(1), {false, "worker.example", "ip"}).number != 0);
  CHECK_THAT(refusal(hello(1)), Catch::StartsWith("busy:"));
}

TEST_CASE("the queue and the size of an activation have limits") {
  auto o = options();
  o.queue = 2;
  o.message_bytes = 2'000;
  fixture f{o};
  f.submit(call("i1"));
  f.submit(call("i2"));
  const auto third = f.submit(call("i3"));
  CHECK(third.attempt->lost());
  CHECK_THAT(third.attempt->error(), Catch::Contains("workers.max_queue"));
  auto large = call("i4");
  large.variables.emplace_back("v", bpmn::value(std::string(3'000, 'x')));
  const auto fourth = f.submit(large);
  CHECK_THAT(fourth.attempt->error(), Catch::Contains("workers.max_message"));
  CHECK_FALSE(fourth.attempt->lost());
}

TEST_CASE("an outcome that can't be read fails the attempt for good; a second one is ignored") {
  fixture f;
  const auto w = f.open(hello(1));
  const auto one = f.submit(call("i"));
  wire::FromWorker m;
  m.mutable_outcome()->set_activation_id(1);  // of no kind
  f.d->received(w.number, std::move(m));
  CHECK(one.attempt->times == 1);
  CHECK_FALSE(one.attempt->lost());
  f.complete(w.number, 1);
  CHECK(one.attempt->times == 1);
}

TEST_CASE("host calls: only for an activation of one's own, and no more at a time than the welcome says") {
  auto o = options();
  o.calls = 1;
  fixture f{o};
  const auto w = f.open(hello(1));
  f.submit(call("i"));
  const auto ask = [&](std::uint64_t id, std::uint64_t activation) {
    wire::FromWorker m;
    m.mutable_call()->set_call_id(id);
    m.mutable_call()->set_activation_id(activation);
    m.mutable_call()->mutable_now();
    f.d->received(w.number, std::move(m));
  };
  ask(1, 99);
  CHECK(w.port->sent.back().result().error().code() == "worker.not_outstanding");
  ask(2, 1);
  REQUIRE(f.calls.size() == 1);
  CHECK(f.calls[0].of->instance_id == "i");
  ask(3, 0);
  CHECK(w.port->sent.back().result().error().code() == "worker.overloaded");
  wire::ServiceResult r;
  r.set_call_id(2);
  r.set_time_us(5);
  f.calls[0].done(r);
  CHECK(w.port->sent.back().result().time_us() == 5);
  ask(4, 0);
  CHECK(f.calls.size() == 2);
}

TEST_CASE("questions go to the session that has the instance; one failure fails them all") {
  fixture f;
  const auto a = f.open(hello(1));
  f.submit(call("i"));
  const auto b = f.open(hello(5));
  std::optional<base::result<std::vector<bpmn::el::answer>>> got;
  int times = 0;
  const auto ask = [&] {
    got.reset();
    f.d->ask({"proc", "1.0", "i"},
             {{"x.a", bpmn::opaque_object{"X", "d", "o"}, "a", false, {}}, {"x.b()", bpmn::value("v"), "b", true, {bpmn::value(1)}}},
             [&](auto r) {
               ++times;
               got = std::move(r);
             });
  };
  const auto answer = [&](std::uint64_t id, bool right) {
    wire::FromWorker m;
    m.mutable_answer()->set_question_id(id);
    if (right)
      m.mutable_answer()->mutable_value()->set_i32(static_cast<int>(id));
    else
      m.mutable_answer()->set_error("no such member");
    f.d->received(a.number, std::move(m));
  };
  ask();
  REQUIRE(a.port->sent.back().has_question());
  CHECK(a.port->sent.back().question().is_method());
  CHECK_FALSE(b.port->sent.back().has_question());
  answer(2, true);
  CHECK_FALSE(got.has_value());
  answer(1, true);
  REQUIRE(got.has_value());
  REQUIRE(got->has_value());
  CHECK((**got)[0].text == "x.a");
  CHECK(*(**got)[0].result.as<std::int32_t>() == 1);
  ask();
  answer(3, false);
  REQUIRE(got.has_value());
  CHECK_THAT(got->error().text(), Catch::Contains("no such member"));
  answer(4, true);
  answer(99, true);
  CHECK(times == 2);
  ask();
  f.d->closed(a.number);
  CHECK_FALSE(got->has_value());
  CHECK(times == 3);
  f.d->ask({"other", "1.0", "i"}, {{"x.a", bpmn::value(), "a", false, {}}}, [&](auto r) { got = std::move(r); });
  CHECK_THAT(got->error().text(), Catch::Contains("no worker is connected"));
}

TEST_CASE("messages out of order end the session") {
  fixture f;
  const auto w = f.open(hello(1));
  const auto one = f.submit(call("i"));
  wire::FromWorker m;
  *m.mutable_hello() = hello(1);
  f.d->received(w.number, std::move(m));
  CHECK_THAT(w.port->refused(), Catch::StartsWith("message:"));
  CHECK(f.d->lines().empty());
  CHECK(one.attempt->lost());
}
