// The engine with its handlers in workers, over a real socket. Faults these find: an instance that stops with its worker, a handler that waits
// on one of the engine's threads, an interrupted handler that nobody tells, a loss that ends the instance instead of an incident.
#include <grpcpp/grpcpp.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <thread>

#include "actors/engine.hpp"
#include "actors/inbox.hpp"
#include "actors/instance_host.hpp"
#include "actors/no_services.test.hpp"
#include "fhir/storable.hpp"
#include "plugins/workers/worker_host.hpp"
#include "proto/worker.grpc.pb.h"
#include "storage/memory_kv.hpp"

using namespace dsf;
using base::json;
namespace wire = dsf::worker::v1;

namespace {

constexpr std::string_view model = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">
 <bpmn:process id="testorg_work" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="one"/>
  <bpmn:serviceTask id="one" camunda:class="test.One"/>
  <bpmn:sequenceFlow id="f2" sourceRef="one" targetRef="two"/>
  <bpmn:serviceTask id="two" camunda:class="test.Two"/>
  <bpmn:boundaryEvent id="late" attachedToRef="two"><bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1.5S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="two" targetRef="end"/>
  <bpmn:sequenceFlow id="f4" sourceRef="late" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startWork"/>
</bpmn:definitions>)";

constexpr std::string_view thinking_model = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">
 <bpmn:process id="testorg_think" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="one"/>
  <bpmn:serviceTask id="one" camunda:class="test.One"/>
  <bpmn:sequenceFlow id="f2" sourceRef="one" targetRef="gate"/>
  <bpmn:exclusiveGateway id="gate" default="f4"/>
  <bpmn:sequenceFlow id="f3" sourceRef="gate" targetRef="two">
    <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${thing.isReady('now')}</bpmn:conditionExpression></bpmn:sequenceFlow>
  <bpmn:sequenceFlow id="f4" sourceRef="gate" targetRef="end"/>
  <bpmn:serviceTask id="two" camunda:class="test.Two"/>
  <bpmn:sequenceFlow id="f5" sourceRef="two" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startWork"/>
</bpmn:definitions>)";

struct no_transport final : net::transport {
  void send(net::client_request, std::int64_t, net::client_callback done) override {
    done(net::fail(net::errc::connection_refused, "no network here"));
  }
};

// A worker program of the test: answers on a thread of its own.
class test_worker {
public:
  using answer = std::function<std::optional<wire::Outcome>(const wire::Activate&)>;
  test_worker(const std::string& socket, std::uint32_t credits, answer how) : how_(std::move(how)) {
    grpc::ChannelArguments args;
    args.SetInt("grpc.use_local_subchannel_pool", 1);
    stub_ = wire::Workers::NewStub(grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), args));
    stream_ = stub_->Session(&context_);
    wire::FromWorker m;
    auto& h = *m.mutable_hello();
    h.set_protocol(1);
    h.set_worker_name("test");
    h.set_plugin("p");
    h.set_credits(credits);
    for (const auto* process : {"testorg_work", "testorg_think"})
      for (const auto* name : {"test.One", "test.Two"}) {
        auto& claim = *h.add_handlers();
        claim.set_process_key(process);
        claim.set_class_name(name);
      }
    stream_->Write(m);
    wire::ToWorker first;
    REQUIRE(stream_->Read(&first));
    REQUIRE(first.has_welcome());
    thread_ = std::thread([this] { loop(); });
  }
  ~test_worker() { die(); }
  void die() {
    context_.TryCancel();
    if (thread_.joinable()) thread_.join();
  }
  std::atomic<int> activations{0}, cancels{0}, questions{0};

private:
  void loop() {
    wire::ToWorker m;
    std::vector<std::uint64_t> open;
    while (stream_->Read(&m)) {
      wire::FromWorker out;
      if (m.has_activate()) {
        ++activations;
        if (auto o = how_(m.activate())) {
          out.mutable_outcome()->set_activation_id(m.activate().activation_id());
          *out.mutable_outcome()->mutable_outcome() = std::move(*o);
          stream_->Write(out);
        }
      } else if (m.has_question()) {
        ++questions;
        const auto& q = m.question();
        out.mutable_answer()->set_question_id(q.question_id());
        if (q.object().opaque().class_name() == "Thing" && q.member() == "isReady" && q.is_method())
          out.mutable_answer()->mutable_value()->set_boolean(q.arguments(0).text() == "now");
        else
          out.mutable_answer()->set_error("what is this?");
        stream_->Write(out);
      } else if (m.has_cancel()) {
        ++cancels;
        out.mutable_outcome()->set_activation_id(m.cancel().activation_id());
        out.mutable_outcome()->mutable_outcome()->mutable_failed()->set_error("cancelled");
        stream_->Write(out);
      }
    }
  }
  answer how_;
  grpc::ClientContext context_;
  std::unique_ptr<wire::Workers::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<wire::FromWorker, wire::ToWorker>> stream_;
  std::thread thread_;
};

std::optional<wire::Outcome> done(const wire::Activate&) {
  wire::Outcome o;
  o.mutable_completed();
  return o;
}

struct fixture {
  std::filesystem::path folder;
  std::unique_ptr<storage::store> store;
  actors::engine_context context;
  actors::definitions processes;
  plugins::handler_registry handlers;
  actors::site_events events;
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  no_transport network;
  plugins::worker_options options;
  std::unique_ptr<plugins::worker_host> workers;
  std::unique_ptr<actors::engine> running;

  explicit fixture(std::int64_t wait_us = 10'000'000) {
    std::string name = (std::filesystem::temp_directory_path() / "dsf-engine-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    folder = name;
    options.socket = (folder / "w.sock").string();
    options.wait_us = wait_us;
    options.plugins["p"].processes = {"testorg_work", "testorg_think"};
    workers = std::make_unique<plugins::worker_host>(
        options, [](const plugins::activation&) -> std::unique_ptr<plugins::services> { return nullptr; }, base::system_clock_source(),
        base::system_entropy(), log);
    // The handler of this program is there too; the setting says that the worker's counts.
    handlers.add(
        "testorg_work", "", "test.One", plugins::handler_trait::quick,
        [](const plugins::activation&, plugins::services&) -> plugins::outcome { return plugins::failed{"in this program", false}; });
    workers->add_handlers(handlers);
    REQUIRE(workers->listen());
    storage::store_options o;
    o.rows = storage::memory_kv::create();
    store = std::move(*storage::store::open(std::move(o)));
    for (const auto text : {model, thinking_model}) {
      const auto read = bpmn::read_bpmn(text, "test.bpmn");
      REQUIRE(read);
      processes.add({read->front(), actors::process_state::active, ""});
    }
    auto& c = context;
    c.store = store.get();
    c.processes = &processes;
    c.handlers = &handlers;
    c.clock = &base::system_clock_source();
    c.entropy = &base::system_entropy();
    c.log = &log;
    c.events = &events;
    c.settings.organization = "site-a";
    c.settings.handler_threads = 1;
    c.services_for = [](const plugins::activation&) { return std::make_unique<actors::no_services>(); };
    c.ask = workers->asker();
    c.write_task = [](const json& task, base::uuid id) -> base::result<storage::put_resource> {
      auto body = TRY(fhir::make_storable(task, id));
      storage::put_resource put;
      put.type = "Task";
      put.id = id;
      put.meta_at = body.meta_at;
      put.body = std::move(body.bytes);
      return put;
    };
    begin();
    store->on_commit([this](std::span<const storage::feed_entry> entries) {
      for (const auto& entry : entries)
        if (entry.touches(storage::table::inbox)) return running->inbox_changed();
    });
  }
  void begin() {
    running = std::make_unique<actors::engine>(context, network);
    running->start();
  }
  ~fixture() {
    running->stop();
    workers->stop();
    CHECK(store->close());
    running.reset();
    std::filesystem::remove_all(folder);
  }
  std::string start(const std::string& key, const std::string& process = "work") {
    const auto id = base::uuid::random(base::system_entropy());
    const auto task = *json::parse(
        R"({"resourceType":"Task","status":"requested","intent":"order","instantiatesCanonical":"http://test.org/bpe/Process/)" + process +
        R"(|1.0",
        "input":[{"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"message-name"}]},"valueString":"startWork"},
        {"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"business-key"}]},"valueString":")" +
        key + R"("}]})");
    auto body = fhir::make_storable(task, id);
    storage::commit c;
    storage::put_resource put;
    put.type = "Task";
    put.id = id;
    put.meta_at = body->meta_at;
    put.body = body->bytes;
    c.operations.push_back(std::move(put));
    c.operations.push_back(storage::put_inbox{actors::encode_inbox({actors::inbox_kind::task, id.to_string()})});
    REQUIRE(store->submit_wait(std::move(c)));
    return id.to_string();
  }
  std::string status(const std::string& id) {
    const auto stored = store->view()->current("Task", *base::uuid::parse(id));
    REQUIRE(stored);
    return (*json::parse(*(*stored)->bytes))["status"].str();
  }
  // The error of the only job of the first instance.
  std::string job_error() {
    const auto rows = store->view()->rows(storage::table::timer, {}, 10);
    if (!rows || rows->empty()) return {};
    storage::keys::timer_key key;
    if (!storage::keys::parse_timer(rows->front().key, key)) return {};
    actors::instance_host h{context, key.instance};
    if (!h.load()) return {};
    for (const auto& j : h.state().jobs)
      if (!j.error.empty()) return j.error;
    return {};
  }
  template <class Condition>
  bool eventually(Condition c, int ms = 10'000) {
    for (int waited = 0; waited < ms; waited += 10) {
      if (c()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

}  // namespace

TEST_CASE("an instance runs with its handlers in a worker, though this program has one of the same name") {
  fixture f;
  test_worker w{f.options.socket, 4, done};
  const auto task = f.start("k");
  REQUIRE(f.eventually([&] { return f.status(task) == "completed"; }));
  CHECK(w.activations == 2);
}

TEST_CASE("waiting workers keep none of the engine's threads") {
  fixture f;  // it has one
  std::atomic<int> both{0};
  test_worker w{f.options.socket, 50, [&](const wire::Activate& a) -> std::optional<wire::Outcome> {
                  ++both;
                  if (a.activation().class_name() == "test.Two") return done(a);
                  return std::nullopt;  // never answers
                }};
  for (int i = 0; i < 20; ++i) f.start("k" + std::to_string(i));
  CHECK(f.eventually([&] { return both == 20; }));
}

TEST_CASE("an instance whose worker is killed goes on with another one") {
  fixture f;
  auto first = std::make_unique<test_worker>(f.options.socket, 4, [](const wire::Activate&) { return std::optional<wire::Outcome>{}; });
  const auto task = f.start("k");
  REQUIRE(f.eventually([&] { return first->activations == 1; }));
  std::string key;
  int delivery = 0;
  test_worker second{f.options.socket, 4, [&](const wire::Activate& a) {
                       if (key.empty()) key = a.activation().idempotency_key();
                       delivery = std::max<int>(delivery, static_cast<int>(a.delivery()));
                       return done(a);
                     }};
  first.reset();
  REQUIRE(f.eventually([&] { return f.status(task) == "completed"; }));
  CHECK(delivery == 2);
  CHECK_FALSE(key.empty());
}

TEST_CASE("a boundary event tells the worker, and the instance goes on") {
  fixture f;
  test_worker w{f.options.socket, 4, [](const wire::Activate& a) -> std::optional<wire::Outcome> {
                  if (a.activation().class_name() == "test.One") return done(a);
                  return std::nullopt;  // until it is cancelled
                }};
  const auto task = f.start("k");
  REQUIRE(f.eventually([&] { return f.status(task) == "completed"; }));
  CHECK(f.eventually([&] { return w.cancels == 1; }));
}

TEST_CASE("without a worker the job waits with a reason, and the instance lives") {
  fixture f{100'000};
  const auto task = f.start("k");
  REQUIRE(f.eventually([&] { return f.job_error().find("no worker is connected for class test.One") != std::string::npos; }));
  CHECK(f.status(task) == "in-progress");
}

TEST_CASE("an engine that stops gives up what its workers do; the next one hands it out again with the same key") {
  fixture f;
  std::mutex mutex;
  std::vector<std::string> keys;
  bool answer = false;
  test_worker w{f.options.socket, 4, [&](const wire::Activate& a) -> std::optional<wire::Outcome> {
                  const std::lock_guard lock{mutex};
                  keys.push_back(a.activation().idempotency_key());
                  if (answer) return done(a);
                  return std::nullopt;
                }};
  const auto task = f.start("k");
  REQUIRE(f.eventually([&] { return w.activations == 1; }));
  f.running->stop();
  CHECK(f.eventually([&] { return w.cancels == 1; }));
  {
    const std::lock_guard lock{mutex};
    answer = true;
  }
  f.begin();
  REQUIRE(f.eventually([&] { return f.status(task) == "completed"; }));
  const std::lock_guard lock{mutex};
  REQUIRE(keys.size() >= 2);
  CHECK(keys[0] == keys[1]);
}

TEST_CASE("an expression over an object of the worker is evaluated by it, and decides the way") {
  fixture f;
  test_worker w{f.options.socket, 4, [](const wire::Activate& a) {
                  wire::Outcome o;
                  auto& c = *o.mutable_completed();
                  if (a.activation().class_name() == "test.One") {
                    auto& v = *c.add_variables();
                    v.set_name("thing");
                    v.mutable_new_value()->mutable_opaque()->set_class_name("Thing");
                    v.mutable_new_value()->mutable_opaque()->set_data("state");
                  }
                  return std::optional{o};
                }};
  const auto task = f.start("k", "think");
  REQUIRE(f.eventually([&] { return f.status(task) == "completed"; }));
  CHECK(w.questions == 1);
  CHECK(w.activations == 2);
}

TEST_CASE("an expression that no worker can evaluate is tried again, and the instance lives") {
  fixture f;
  auto w = std::make_unique<test_worker>(f.options.socket, 4, [](const wire::Activate&) {
    wire::Outcome o;
    auto& v = *o.mutable_completed()->add_variables();
    v.set_name("thing");
    v.mutable_new_value()->mutable_opaque()->set_class_name("SomethingElse");
    return std::optional{o};
  });
  const auto task = f.start("k", "think");
  REQUIRE(f.eventually([&] { return f.job_error().find("what is this?") != std::string::npos; }));
  CHECK(f.status(task) == "in-progress");
}
