// The engine over a store in memory: what the actors do with Tasks, handlers, sends, timers and restarts.
#include "actors/engine_fixture.test.hpp"

using namespace dsf;
using namespace dsf::actors;
using namespace dsf::actors::testing;

TEST_CASE("a Task starts an instance, whose message is sent and whose answer ends it") {
  fixture f;
  const auto start = f.post("startAsk", "k1");
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  CHECK(f.status(start) == "in-progress");
  CHECK(f.sent() == 1);
  CHECK(f.count(storage::table::outbox) == 0);
  const auto& request = f.wire.requests.front();
  CHECK(request.url == "https://b.example/fhir/Task");
  const auto sent = *json::parse(request.body.view());
  CHECK(request.headers.value("If-None-Exist") ==
        "identifier=" + std::string(outbox_identifier_system) + "|" + sent["identifier"][0]["value"].str());
  CHECK(facts_of(sent).correlation_key == "ck-k1");

  const auto answer = f.post("answer", "k1");
  REQUIRE(f.eventually([&] { return f.status(start) == "completed" && f.status(answer) == "completed"; }));
  CHECK(f.eventually([&] { return f.clean(); }));
  CHECK(f.prepared == 1);
  // requested, in-progress, completed: each status is a version (docs/design.md, decision 4).
  CHECK(f.task(start)["meta"]["versionId"].str() == "3");
}

TEST_CASE("an instance that left memory goes on with its answer, also after a restart") {
  fixture f;
  const auto start = f.post("startAsk", "k2");
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  REQUIRE(f.eventually([&] { return f.running->live_instances() == 0; }));
  SECTION("without restart") {}
  SECTION("after a restart") {
    f.close();
    f.open();
  }
  f.post("answer", "k2");
  CHECK(f.eventually([&] { return f.status(start) == "completed"; }));
  CHECK(f.sent() == 1);
}

TEST_CASE("a message is sent again until the other site answers, and only a definite refusal or the deadline ends that") {
  fixture f;
  SECTION("two lost connections and a 503") {
    f.wire.statuses = {0, 0, 503, 201};
    const auto start = f.post("startAsk", "k3");
    REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
    CHECK(f.sent() == 4);
    const auto id = [&](std::size_t i) { return (*json::parse(f.wire.requests[i].body.view()))["identifier"][0]["value"].str(); };
    CHECK(id(0) == id(3));
    CHECK(f.status(start) == "in-progress");
  }
  SECTION("403 takes the send-error path at once") {
    f.wire.statuses = {403};
    const auto start = f.post("startAsk", "k4");
    REQUIRE(f.eventually([&] { return f.status(start) == "failed"; }));
    CHECK(f.sent() == 1);
    CHECK(f.task(start)["output"][0]["valueString"].str().find("could not ask: HTTP 403") != std::string::npos);
    CHECK(f.eventually([&] { return f.clean(); }));
  }
  SECTION("a partner that names a time is left alone until then, or until the deadline, when it is asked a last time") {
    f.wire.statuses = {429};
    f.wire.retry_after = "60";
    const auto start = f.post("startAsk", "k5");
    REQUIRE(f.eventually([&] { return f.status(start) == "failed"; }, 30'000));
    CHECK(f.sent() <= 3);  // it would be asked four times or more
  }
  SECTION("the deadline") {
    f.wire.statuses = {0};
    const auto start = f.post("startAsk", "k5");
    REQUIRE(f.eventually([&] { return f.status(start) == "failed"; }, 10'000));
    CHECK(f.sent() > 2);
    CHECK(f.eventually([&] { return f.clean(); }));
  }
}

TEST_CASE("an outbox entry that was not delivered before a stop is delivered after the start, with the same identifier") {
  fixture f;
  f.wire.statuses = {0};
  f.post("startAsk", "k6");
  REQUIRE(f.eventually([&] { return f.sent() >= 1; }));
  f.close();
  const auto before = (*json::parse(f.wire.requests.front().body.view()))["identifier"][0]["value"].str();
  f.wire.requests.clear();
  f.wire.statuses = {201};
  f.open();
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  CHECK((*json::parse(f.wire.requests.front().body.view()))["identifier"][0]["value"].str() == before);
}

TEST_CASE("Tasks that nobody can take fail with DSF's text (dsf-bpe 1.8)") {
  fixture f;
  const auto check = [&](const std::string& id, const std::string& text) {
    REQUIRE(f.eventually([&] { return f.status(id) == "failed"; }));
    CHECK(f.task(id)["output"][0]["valueString"].str() == text);
  };
  check(f.post("startAsk", "x1", "unknown"), "Process not found");
  check(f.post("nothing", "x2"), "Process with start message-name 'nothing' not found");
  const auto start = f.post("startAsk", "x3");
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  // The instance exists and does not wait for this message: it is kept for a while, then it fails (decision 9).
  check(f.post("other", "x3"), "Unable to correlate Task");
  check(f.post("startAsk", "x3"), "Unable to correlate Task");  // a business key in use starts no second instance
  CHECK(f.sent() == 1);
  CHECK(f.status(start) == "in-progress");
  CHECK(f.eventually([&] { return f.count(storage::table::inbox) == 0; }));
}

TEST_CASE("an answer that comes before the instance waits is kept and taken") {
  fixture f;
  f.wire.statuses = {0, 201};  // the first send fails, so the instance waits for delivery when the answer comes
  const auto start = f.post("startAsk", "k7");
  REQUIRE(f.eventually([&] { return f.sent() >= 1; }));
  const auto answer = f.post("answer", "k7");
  CHECK(f.eventually([&] { return f.status(start) == "completed" && f.status(answer) == "completed"; }));
}

TEST_CASE("a handler that reports nothing before the stop runs again after the start, with its result counted once") {
  fixture f;
  f.running->holds().hold("test.Prepare");
  const auto start = f.post("startAsk", "k8");
  REQUIRE(f.eventually([&] { return f.prepared == 1; }));
  f.close();
  f.open();
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  CHECK(f.prepared == 2);
  CHECK(f.messages() == 1);
  CHECK(f.status(start) == "in-progress");
}

TEST_CASE("a handler that does not report within its deadline is tried again later, and what it reports then is not used") {
  fixture f;
  f.close();
  f.settings.handler_deadline_us = 100'000;
  f.open();
  f.running->holds().hold("test.Prepare");
  const auto start = f.post("startAsk", "k9");
  REQUIRE(f.eventually([&] { return f.prepared == 1; }));
  const auto the_job = [&]() -> std::optional<bpmn::job> {
    instance_host host(f.shared, f.store->view()->instances(0, 10)->front().instance);
    if (!host.load() || host.state().jobs.size() != 1) return {};
    return *host.state().jobs.begin();
  };
  REQUIRE(f.eventually([&] {
    const auto job = the_job();
    return job && job->error == "the handler did not report within 100 ms (engine.handler_deadline)";
  }));
  // Not at once: 10 s, 60 s, then an incident (decision 8). The Task stays in progress meanwhile.
  CHECK(the_job()->due.us > base::system_clock_source().now().us + 5'000'000);
  CHECK(the_job()->attempt == 2);
  f.running->holds().release("test.Prepare");
  CHECK_FALSE(f.eventually([&] { return f.count(storage::table::subscription) > 0; }, 300));
  CHECK(f.prepared == 1);
  CHECK(f.status(start) == "in-progress");
}

TEST_CASE("the deadline of a handler begins on its thread: what waits in the queue is not late") {
  fixture f;
  f.close();
  f.settings.handler_deadline_us = 1'000'000;
  f.settings.handler_threads = 1;
  std::int64_t shortest_us = 1'000'000;
  f.handlers.add("testorg_ask", "1.0", "test.Prepare", plugins::handler_trait::blocking,
                 [&](const plugins::activation& a, plugins::services&) -> plugins::outcome {
                   shortest_us = std::min<std::int64_t>(shortest_us, a.deadline.us - base::system_clock_source().now().us);
                   ++f.prepared;
                   std::this_thread::sleep_for(std::chrono::milliseconds(100));
                   return plugins::end_instance{"not this time"};
                 });
  f.open();
  constexpr int n = 16;
  std::vector<std::string> starts;
  for (int i = 0; i < n; ++i) starts.push_back(f.post("startAsk", "q" + std::to_string(i)));
  REQUIRE(f.eventually([&] { return f.prepared == n; }, 20'000));
  // An attempt that counted as lost would be made again 10 s later, and its Task would still be in progress.
  for (const auto& id : starts) CHECK(f.eventually([&] { return f.status(id) == "failed"; }));
  CHECK(shortest_us > 500'000);
  CHECK(f.prepared == n);
}

TEST_CASE("a handler whose activity was interrupted while it waited for a thread does not run") {
  fixture f;
  constexpr std::string_view xml = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">
 <bpmn:process id="testorg_limited" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
  <bpmn:serviceTask id="work" camunda:class="test.Limited"/>
  <bpmn:boundaryEvent id="late" attachedToRef="work"><bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT0.2S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f2" sourceRef="work" targetRef="end"/>
  <bpmn:sequenceFlow id="f3" sourceRef="late" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m" name="startLimited"/>
</bpmn:definitions>)";
  auto read = bpmn::read_bpmn(xml, "limited.bpmn");
  REQUIRE(read);
  f.close();
  f.settings.handler_threads = 1;
  f.processes.add({read->front(), process_state::active, ""});
  std::atomic<int> runs{0};
  f.handlers.add("testorg_limited", "", "test.Limited", plugins::handler_trait::blocking,
                 [&runs](const plugins::activation&, plugins::services&) -> plugins::outcome {
                   ++runs;
                   return plugins::completed{};
                 });
  f.open();
  f.running->holds().hold("test.Prepare");  // takes the only thread
  f.post("startAsk", "k1");
  REQUIRE(f.eventually([&] { return f.prepared == 1; }));
  std::atomic<bool> ended{false};
  const auto token = f.events.subscribe([&](const site_event& e) {
    if (e.kind == site_event_kind::instance_ended) ended = true;
  });
  f.post("startLimited", "k2", "limited");
  REQUIRE(f.eventually([&] { return ended.load(); }));
  f.events.unsubscribe(token);
  f.running->holds().release("test.Prepare");
  CHECK(f.eventually([&] { return f.sent() == 1; }));
  // The instance left memory: it did not wait for ever for a report.
  CHECK(f.eventually([&] { return f.running->live_instances() == 0; }));
  CHECK(runs == 0);
}

TEST_CASE("many instances at once all end, and nothing is left of them") {
  fixture f;
  constexpr int n = 200;
  std::vector<std::string> starts;
  for (int i = 0; i < n; ++i) starts.push_back(f.post("startAsk", "m" + std::to_string(i)));
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == n; }, 20'000));
  for (int i = 0; i < n; ++i) f.post("answer", "m" + std::to_string(i));
  CHECK(f.eventually([&] { return f.clean(); }, 20'000));
  for (const auto& id : starts) CHECK(f.status(id) == "completed");
  CHECK(f.prepared == n);
}

// What the site's caretaker does (docs/design.md, decision 18); a stop on a thread that did not make the engine once waited for ever.
TEST_CASE("after a failed write another engine goes on where the store stands; answers to the first one find nobody") {
  fixture f;
  f.wire.statuses = {-1, 201};
  const auto start = f.post("startAsk", "k1");
  REQUIRE(f.eventually([&] { return f.sent() == 1; }));
  CHECK(f.count(storage::table::outbox) == 1);
  f.rows->fail_writes(0);
  storage::commit c;
  c.operations.push_back(storage::put_row{storage::table::meta, "x", "y"});
  CHECK_FALSE(f.store->submit_wait(std::move(c)));

  bool alone = false;
  std::unique_ptr<engine> next;
  std::thread caretaker([&] {
    f.running->stop();
    // A writer that waits for its turn is told at once.
    f.running->run_alone("Task", [&](engine::release release) {
      alone = true;
      release();
    });
    f.rows->fail_writes(SIZE_MAX);
    if (!f.store->reopen()) return;
    next = std::make_unique<engine>(f.shared, f.wire);
    next->start();
  });
  caretaker.join();
  CHECK(alone);
  REQUIRE(next);
  for (auto& late : f.wire.kept) {
    net::client_response r;
    r.status = 201;
    late(std::move(r));
  }
  // Sent again, with the identifier by which the other site knows it.
  REQUIRE(f.eventually([&] { return f.count(storage::table::outbox) == 0 && f.count(storage::table::subscription) == 1; }));
  REQUIRE(f.sent() == 2);
  CHECK(f.wire.requests[0].headers.value("If-None-Exist") == f.wire.requests[1].headers.value("If-None-Exist"));
  CHECK(f.status(start) == "in-progress");
  CHECK(f.prepared == 1);
  next->stop();
}
