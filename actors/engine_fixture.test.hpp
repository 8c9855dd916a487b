// A site without a network for tests of the engine: store in memory, handlers of the test, and a transport that answers as it says.
#pragma once

#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>
#include <set>

#include "actors/engine.hpp"
#include "actors/inbox.hpp"
#include "actors/instance_host.hpp"
#include "actors/no_services.test.hpp"
#include "actors/task_document.hpp"
#include "fhir/storable.hpp"
#include "storage/memory_kv.hpp"

namespace dsf::actors::testing {

using base::json;

inline constexpr std::string_view ask_xml = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">
 <bpmn:process id="testorg_ask" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="prepare"/>
  <bpmn:serviceTask id="prepare" camunda:class="test.Prepare"/>
  <bpmn:sequenceFlow id="f2" sourceRef="prepare" targetRef="send"/>
  <bpmn:intermediateThrowEvent id="send"><bpmn:messageEventDefinition camunda:class="test.Send"><bpmn:extensionElements>
    <camunda:field name="messageName"><camunda:string>question</camunda:string></camunda:field>
    <camunda:field name="profile"><camunda:string>http://test.org/p|1.0</camunda:string></camunda:field>
    <camunda:field name="instantiatesCanonical"><camunda:string>http://test.org/bpe/Process/answer|1.0</camunda:string></camunda:field>
  </bpmn:extensionElements></bpmn:messageEventDefinition></bpmn:intermediateThrowEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="send" targetRef="gate"/>
  <bpmn:eventBasedGateway id="gate"/>
  <bpmn:sequenceFlow id="f4" sourceRef="gate" targetRef="got"/>
  <bpmn:sequenceFlow id="f5" sourceRef="gate" targetRef="late"/>
  <bpmn:intermediateCatchEvent id="got"><bpmn:messageEventDefinition messageRef="m_answer"/></bpmn:intermediateCatchEvent>
  <bpmn:intermediateCatchEvent id="late"><bpmn:timerEventDefinition><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f6" sourceRef="got" targetRef="end"/>
  <bpmn:sequenceFlow id="f7" sourceRef="late" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startAsk"/><bpmn:message id="m_answer" name="answer"/>
</bpmn:definitions>)";

// Two handlers, each of which leaves something of a patient.
inline constexpr std::string_view twice_xml = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
 <bpmn:process id="testorg_twice" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="first"/>
  <bpmn:serviceTask id="first" camunda:class="test.First"/>
  <bpmn:sequenceFlow id="f2" sourceRef="first" targetRef="second"/>
  <bpmn:serviceTask id="second" camunda:class="test.Second"/>
  <bpmn:sequenceFlow id="f3" sourceRef="second" targetRef="wait"/>
  <bpmn:intermediateCatchEvent id="wait"><bpmn:messageEventDefinition messageRef="m_go"/></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f4" sourceRef="wait" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startTwice"/><bpmn:message id="m_go" name="go"/>
</bpmn:definitions>)";

// Answers each POST with the next of the statuses (the last one for ever); 0 is a refused connection, -1 keeps the answer back.
class scripted_transport final : public net::transport {
public:
  void send(net::client_request request, std::int64_t, net::client_callback done) override {
    int status = 201;
    {
      const std::lock_guard lock{mutex};
      requests.push_back(request);
      if (!statuses.empty()) {
        status = statuses.front();
        if (statuses.size() > 1) statuses.erase(statuses.begin());
      }
    }
    if (status < 0) {
      const std::lock_guard lock{mutex};
      kept.push_back(std::move(done));
      return;
    }
    if (status == 0) return done(net::fail(net::errc::connection_refused, "connection refused"));
    net::client_response r;
    r.status = status;
    if (!retry_after.empty()) r.headers.add("Retry-After", retry_after);
    done(std::move(r));
  }
  std::mutex mutex;
  std::vector<net::client_request> requests;
  std::vector<int> statuses;
  std::string retry_after;  // of every answer; set before the first request
  std::vector<net::client_callback> kept;
};

// A site without a network: store in memory, engine, handlers of the test.
struct fixture {
  std::shared_ptr<storage::memory_kv> rows = storage::memory_kv::create();
  std::unique_ptr<storage::store> store;
  engine_context shared;
  definitions processes;
  plugins::handler_registry handlers;
  site_events events;
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  scripted_transport wire;
  engine_settings settings;
  std::unique_ptr<engine> running;
  std::atomic<int> prepared{0};

  fixture() {
    settings.organization = "site-a";
    settings.correlation_buffer_us = 300'000;
    settings.passivate_after_us = 20'000;
    handlers.add("testorg_ask", "", "test.Prepare", plugins::handler_trait::blocking,
                 [this](const plugins::activation& a, plugins::services&) -> plugins::outcome {
                   ++prepared;
                   plugins::completed c;
                   c.variables.push_back({bpmn::variable_change::scope::nearest, "target",
                                          bpmn::target{"site-b", "e-b", "https://b.example/fhir", "ck-" + a.business_key}});
                   return c;
                 });
    handlers.add("testorg_ask", "", "test.Send", plugins::handler_trait::quick,
                 [](const plugins::activation& a, plugins::services&) -> plugins::outcome {
                   if (a.event == "send_error") return plugins::end_instance{"could not ask: " + a.field_text("error")};
                   plugins::completed c;
                   bpmn::outgoing_message m;
                   m.to = *a.variable("target")->as<bpmn::target>();
                   m.message_name = a.field_text("messageName");
                   m.profile = a.field_text("profile");
                   m.instantiates_canonical = a.field_text("instantiatesCanonical");
                   m.business_key = a.business_key;
                   m.send_deadline = "PT2S";
                   c.messages.push_back(std::move(m));
                   return c;
                 });
    for (const auto* name : {"test.First", "test.Second"})
      handlers.add("testorg_twice", "", name, plugins::handler_trait::blocking,
                   [](const plugins::activation& a, plugins::services&) -> plugins::outcome {
                     plugins::completed c;
                     c.variables.push_back({bpmn::variable_change::scope::nearest, a.class_name,
                                            bpmn::fhir_resource{"Patient", R"({"resourceType":"Patient","id":")" + a.class_name + "\"}"}});
                     return c;
                   });
    for (const auto& [xml, file] : {std::pair{ask_xml, "ask.bpmn"}, {twice_xml, "twice.bpmn"}}) {
      auto read = bpmn::read_bpmn(xml, file);
      REQUIRE(read);
      processes.add({read->front(), process_state::active, ""});
    }
    open();
  }
  ~fixture() { close(); }

  void open() {
    storage::store_options o;
    o.rows = rows;
    auto opened = storage::store::open(std::move(o));
    REQUIRE(opened);
    store = std::move(*opened);
    auto& c = shared;
    c.store = store.get();
    c.processes = &processes;
    c.handlers = &handlers;
    c.clock = &base::system_clock_source();
    c.entropy = &base::system_entropy();
    c.log = &log;
    c.events = &events;
    c.settings = settings;
    c.services_for = [](const plugins::activation&) { return std::make_unique<no_services>(); };
    c.write_task = [](const json& task, base::uuid id) -> base::result<storage::put_resource> {
      auto body = TRY(fhir::make_storable(task, id));
      storage::put_resource put;
      put.type = "Task";
      put.id = id;
      put.meta_at = body.meta_at;
      put.body = std::move(body.bytes);
      return put;
    };
    running = std::make_unique<engine>(c, wire);
    store->on_commit([e = running.get()](std::span<const storage::feed_entry> entries) {
      for (const auto& entry : entries)
        if (entry.touches(storage::table::inbox)) return e->inbox_changed();
    });
    running->start();
  }
  void close() {
    if (!store) return;
    running->stop();
    REQUIRE(store->close());
    running.reset();
    store.reset();
  }

  std::string post(std::string message, const std::string& key, const std::string& process = "ask") {
    const auto id = base::uuid::random(base::system_entropy());
    json task = *json::parse(
        R"({"resourceType":"Task","status":"requested","intent":"order","instantiatesCanonical":"http://test.org/bpe/Process/)" + process +
        R"(|1.0","input":[{"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"message-name"}]},"valueString":")" +
        message +
        R"("},{"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"business-key"}]},"valueString":")" + key +
        R"("}]})");
    auto body = fhir::make_storable(task, id);
    storage::commit c;
    storage::put_resource put;
    put.type = "Task";
    put.id = id;
    put.meta_at = body->meta_at;
    put.body = body->bytes;
    c.operations.push_back(std::move(put));
    c.operations.push_back(storage::put_inbox{encode_inbox({inbox_kind::task, id.to_string()})});
    REQUIRE(store->submit_wait(std::move(c)));
    return id.to_string();
  }

  json task(const std::string& id) {
    const auto stored = store->view()->current("Task", *base::uuid::parse(id));
    REQUIRE(stored);
    return *json::parse(*(*stored)->bytes);
  }
  std::string status(const std::string& id) { return task(id)["status"].str(); }

  template <class Condition>
  bool eventually(Condition c, int ms = 5'000) {
    for (int waited = 0; waited < ms; waited += 5) {
      if (c()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::size_t sent() {
    const std::lock_guard lock{wire.mutex};
    return wire.requests.size();
  }
  // Different ones: a message whose delivery is not stored yet may be sent again after a start, and is recognised by its identifier.
  std::size_t messages() {
    const std::lock_guard lock{wire.mutex};
    std::set<std::string> identifiers;
    for (const auto& r : wire.requests) identifiers.emplace(r.headers.value("If-None-Exist"));
    return identifiers.size();
  }
  std::size_t count(storage::table t) { return store->view()->rows(t, {}, 1'000)->size(); }
  // As storage::erase_instance() would, were it not refused while the instance lives; a restore without data keys leaves the same.
  void lose_keys() {
    const auto rows = store->view()->rows(storage::table::data_key, {}, 100);
    REQUIRE(rows->size() > 0);
    storage::commit c;
    for (const auto& row : *rows) c.operations.push_back(storage::delete_row{storage::table::data_key, row.key});
    REQUIRE(store->submit_wait(std::move(c)));
  }
  // Nothing is left that would wake an instance that ended.
  bool clean() {
    return count(storage::table::timer) == 0 && count(storage::table::inbox) == 0 && count(storage::table::outbox) == 0 &&
           count(storage::table::subscription) == 0 && count(storage::table::business_key) == 0;
  }
};

}  // namespace dsf::actors::testing
