// An engine without threads, as the simulation drives it (docs/design.md, decision 19).
#include <catch2/catch.hpp>

#include <optional>

#include "actors/engine.hpp"
#include "actors/inbox.hpp"
#include "actors/no_services.test.hpp"
#include "fhir/storable.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;

namespace {

struct no_network final : net::transport {
  void send(net::client_request, std::int64_t, net::client_callback done) override {
    if (keep) return kept.push_back(std::move(done));
    done(net::fail(net::errc::connection_refused, "no network"));
  }
  bool keep = false;
  std::vector<net::client_callback> kept;
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
    c.settings.organization = "site-a";
    c.services_for = [](const plugins::activation&) { return std::make_unique<no_services>(); };
    c.write_task = [](const base::json& task, base::uuid id) { return write(task, id); };
    running = std::make_unique<engine>(c, wire, engine_drive::by_hand);
    store->on_commit([this](std::span<const storage::feed_entry> entries) {
      if (entries.back().touches(storage::table::inbox)) running->inbox_changed();
    });
  }
  static base::result<storage::put_resource> write(const base::json& task, base::uuid id) {
    auto body = TRY(fhir::make_storable(task, id));
    storage::put_resource put;
    put.type = "Task";
    put.id = id;
    put.meta_at = body.meta_at;
    put.body = std::move(body.bytes);
    return put;
  }
  base::uuid post(const std::string& message, const std::string& process = "ask") {
    const auto id = base::uuid::random(entropy);
    const auto input = [](std::string_view code, const std::string& text) {
      return base::json(base::json::object{
          {"type", base::json::object{{"coding", base::json::array{base::json::object{
                                                     {"system", "http://dsf.dev/fhir/CodeSystem/bpmn-message"}, {"code", code}}}}}},
          {"valueString", text}});
    };
    base::json task = base::json::object{{"resourceType", "Task"}, {"status", "requested"}, {"intent", "order"}};
    task.set("instantiatesCanonical", "http://test.org/bpe/Process/" + process + "|1.0");
    task.set("input", base::json::array{input("message-name", message), input("business-key", "k")});
    storage::commit c;
    c.operations.push_back(write(task, id).value());
    c.operations.push_back(storage::put_inbox{encode_inbox({inbox_kind::task, id.to_string()})});
    REQUIRE(store->submit_wait(std::move(c)));
    return id;
  }
  std::string status(base::uuid id) { return (*base::json::parse(*(*store->view()->current("Task", id))->bytes))["status"].str(); }
  // Each turn, somebody writes the Task between the engine's look at it and its commit.
  void meddle(base::uuid id, int turns) {
    for (int i = 0; i < turns; ++i) {
      storage::commit c;
      c.operations.push_back(write(*base::json::parse(*(*store->view()->current("Task", id))->bytes), id).value());
      store->submit(std::move(c), [](const storage::result<storage::receipt>& r) { REQUIRE(r); });
      run_all();
      while (store->run_one_group());
      clock.advance_us(15 * base::us_per_s);
      running->hand().advance_us(15 * base::us_per_s);
    }
  }
  // Everything that happens within this time.
  void pass_s(std::int64_t seconds) {
    const auto until = clock.now().us + seconds * base::us_per_s;
    for (;;) {
      do run_all();
      while (store->run_one_group());
      const auto wake = running->hand().next_wake_us();
      const auto by = std::min(until - clock.now().us, wake.value_or(INT64_MAX));
      if (clock.now().us >= until) return;
      clock.advance_us(by);
      running->hand().advance_us(by);
    }
  }
  void run_all() {
    while (running->hand().actors() > 0) running->hand().run_actor(running->hand().actors() - 1);
  }
};

constexpr std::string_view ask_xml = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
 <bpmn:process id="testorg_ask" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="send"/>
  <bpmn:intermediateThrowEvent id="send"><bpmn:messageEventDefinition camunda:class="test.Send"/></bpmn:intermediateThrowEvent>
  <bpmn:sequenceFlow id="f2" sourceRef="send" targetRef="got"/>
  <bpmn:intermediateCatchEvent id="got"><bpmn:messageEventDefinition messageRef="m_answer"/></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="got" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startAsk"/><bpmn:message id="m_answer" name="answer"/>
</bpmn:definitions>)";

plugins::outcome ask_site_b(const plugins::activation& a, plugins::services&) {
  bpmn::outgoing_message m;
  m.to = {"site-b", "e-b", "https://b.example/fhir", ""};
  m.message_name = "question";
  m.profile = "http://test.org/p|1.0";
  m.instantiates_canonical = "http://test.org/bpe/Process/answer|1.0";
  m.business_key = a.business_key;
  plugins::completed c;
  c.messages.push_back(std::move(m));
  return c;
}

}  // namespace

// Would find: an answer that fails because it overtook the news that its question was delivered. Found by the simulation.
TEST_CASE("by hand: an answer is kept while the instance's message is on its way, however long; a stray one fails when that is over") {
  engine_without_threads e;
  e.handlers.add("testorg_ask", "", "test.Send", plugins::handler_trait::quick, ask_site_b);
  e.processes.add({bpmn::read_bpmn(ask_xml, "ask.bpmn").value().front(), process_state::active, ""});
  e.wire.keep = true;
  e.running->start();
  const auto start = e.post("startAsk");
  e.pass_s(1);
  REQUIRE(e.wire.kept.size() == 1);
  const auto answer = e.post("answer");
  const auto stray = e.post("other");
  e.pass_s(25);  // the buffer is 10 s
  CHECK(e.status(answer) == "requested");
  net::client_response delivered;
  delivered.status = 201;
  e.wire.kept.front()(delivered);
  e.pass_s(1);
  CHECK(e.status(answer) == "completed");
  CHECK(e.status(start) == "completed");
  e.pass_s(12);
  CHECK(e.status(stray) == "failed");
  e.running->stop();
}

// Would find: an answer that fails because a handler between question and answer was away. Found by killing workers.
TEST_CASE("by hand: an answer is kept while a handler of the instance is under way, however long") {
  std::string xml(ask_xml);
  const std::string_view flow = R"(sourceRef="send" targetRef="got"/>)";
  xml.replace(xml.find(flow), flow.size(), R"(sourceRef="send" targetRef="note"/>
  <bpmn:serviceTask id="note" camunda:class="test.Note"/>
  <bpmn:sequenceFlow id="f4" sourceRef="note" targetRef="got"/>)");
  engine_without_threads e;
  e.handlers.add("testorg_ask", "", "test.Send", plugins::handler_trait::quick, ask_site_b);
  e.handlers.add("testorg_ask", "", "test.Note", plugins::handler_trait::blocking,
                 [](const plugins::activation&, plugins::services&) -> plugins::outcome { return plugins::completed{}; });
  e.processes.add({bpmn::read_bpmn(xml, "ask.bpmn").value().front(), process_state::active, ""});
  e.wire.keep = true;
  e.running->start();
  const auto start = e.post("startAsk");
  e.pass_s(1);
  REQUIRE(e.wire.kept.size() == 1);
  net::client_response delivered;
  delivered.status = 201;
  e.wire.kept.front()(delivered);
  e.pass_s(1);
  REQUIRE(e.running->hand().handlers() == 1);
  const auto answer = e.post("answer");
  e.pass_s(25);
  CHECK(e.status(answer) == "requested");
  e.running->hand().run_handler(0);
  e.pass_s(1);
  CHECK(e.status(answer) == "completed");
  CHECK(e.status(start) == "completed");
  e.running->stop();
}

// Would find: an instance that stands still until the next start, because its own command was given back and nobody had it any more.
TEST_CASE("by hand: somebody who writes an instance's Task again and again delays it, and no more") {
  constexpr std::string_view xml = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
 <bpmn:process id="testorg_work" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
  <bpmn:serviceTask id="work" camunda:class="test.Work"/>
  <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startWork"/>
</bpmn:definitions>)";
  engine_without_threads e;
  int worked = 0;
  e.handlers.add("testorg_work", "", "test.Work", plugins::handler_trait::blocking,
                 [&](const plugins::activation&, plugins::services&) -> plugins::outcome {
                   ++worked;
                   return plugins::completed{};
                 });
  e.processes.add({bpmn::read_bpmn(xml, "work.bpmn").value().front(), process_state::active, ""});
  e.running->start();
  const auto task = e.post("startWork", "work");
  e.pass_s(1);
  REQUIRE(e.status(task) == "in-progress");
  REQUIRE(e.running->hand().handlers() == 1);
  const auto instance = e.store->view()->instances(0, 1)->front().instance;
  const auto name = e.store->external_id(instance);

  SECTION("a handler's outcome is tried until it succeeds") {
    e.running->hand().run_handler(0);
    e.meddle(task, 40);
    CHECK(e.status(task) == "in-progress");
    CHECK(e.running->conflicts_of(name) >= 30);
    CHECK(e.running->conflicts_of(name) <= 40);
    e.pass_s(60);
    CHECK(e.status(task) == "completed");
    CHECK(e.running->conflicts_of(name) == 0);
  }
  SECTION("who can send his command again gets an answer") {
    std::optional<base::result<>> answer;
    e.running->command(instance, {e.clock.now(), "operator", bpmn::cancel_instance{"not any more"}}, [&](base::result<> r) { answer = r; });
    e.meddle(task, 10);
    REQUIRE(answer.has_value());
    REQUIRE_FALSE(answer->has_value());
    CHECK(answer->error().kind() == base::error_kind::conflict);
    CHECK(e.status(task) == "in-progress");
    e.running->hand().run_handler(0);
    e.pass_s(60);
    CHECK(e.status(task) == "completed");
  }
  SECTION("others need not wait for the command that does") {
    e.running->hand().run_handler(0);
    e.meddle(task, 20);
    std::optional<base::result<>> answer;
    e.running->command(instance, {e.clock.now(), "operator", bpmn::retry_incident{1}}, [&](base::result<> r) { answer = r; });
    e.run_all();
    REQUIRE(answer.has_value());
    CHECK_FALSE(answer->has_value());
    e.pass_s(60);
    CHECK(e.status(task) == "completed");
  }
  CHECK(worked == 1);
  e.running->stop();
}

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
