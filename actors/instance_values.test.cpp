// An instance with large values over a store in memory. Faults these find: an event that carries the value, a row that lacks after a restart or is
// written again and again, a snapshot that does not bring along what earlier releases wrote inline.
#include <catch2/catch.hpp>

#include "actors/instance_host.hpp"
#include "base/bytes.hpp"
#include "storage/errors.hpp"
#include "storage/instances/instance_codec.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;

namespace {

constexpr std::string_view collect_xml = R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">
 <bpmn:process id="testorg_collect" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="ask"/>
  <bpmn:userTask id="ask"/>
  <bpmn:sequenceFlow id="f2" sourceRef="ask" targetRef="enough"/>
  <bpmn:exclusiveGateway id="enough" default="f3"/>
  <bpmn:sequenceFlow id="f3" sourceRef="enough" targetRef="ask"/>
  <bpmn:sequenceFlow id="f4" sourceRef="enough" targetRef="end"><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${done}</bpmn:conditionExpression></bpmn:sequenceFlow>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name="startCollect"/>
</bpmn:definitions>)";

constexpr std::size_t large_bytes = 1 << 20;

struct fixture {
  std::unique_ptr<storage::store> store;
  definitions processes;
  site_events events;
  base::logger log{base::system_clock_source(), "test", base::log_level::off, base::null_log_sink()};
  engine_context context;
  std::uint64_t id = 0;
  std::optional<instance_host> host;

  fixture() {
    storage::store_options o;
    o.rows = storage::memory_kv::create();
    store = std::move(*storage::store::open(std::move(o)));
    auto read = bpmn::read_bpmn(collect_xml, "collect.bpmn");
    REQUIRE(read);
    processes.add({read->front(), process_state::active, ""});
    context.store = store.get();
    context.processes = &processes;
    context.clock = &base::system_clock_source();
    context.entropy = &base::system_entropy();
    context.log = &log;
    context.events = &events;
    id = *store->allocate_instance_ids(0);
    host.emplace(context, id);
    host->create(processes.find("testorg_collect", "1.0"));
  }

  void perform(decltype(bpmn::command::what) what) {
    std::vector<incoming> commands;
    commands.push_back({{context.clock->now(), "test", std::move(what)}, {}, {}, {}, {}});
    auto step = host->plan(std::move(commands));
    REQUIRE(step);
    REQUIRE(step->refused.empty());
    REQUIRE(store->submit_wait(std::move(step->commit)));
    host->adopt(*step);
  }
  void start() {
    const auto process = processes.find("testorg_collect", "1.0");
    bpmn::start_instance s;
    s.business_key = "k";
    s.start_event = process->definition->starts.front();
    s.message_name = "startCollect";
    s.variables = {{"done", bpmn::value(false)}};
    perform(std::move(s));
  }
  void answer(std::vector<std::pair<std::string, bpmn::value>> variables) {
    perform(bpmn::complete_user_task{(*host->state().user_tasks.begin()).id, std::move(variables)});
  }
  std::vector<storage::row> values() { return *store->view()->rows(storage::table::value, storage::keys::instance(id), 1'000); }
  std::size_t event_bytes() {
    std::size_t n = 0;
    const auto rows = store->view()->instance_events(id);
    for (const auto& e : *rows) n += e.bytes.size();
    return n;
  }
  // What another program finds in the store.
  void check_reload() {
    instance_host again(context, id);
    const auto ok = again.load();
    INFO((ok ? "" : ok.error().to_string()));
    REQUIRE(ok);
    CHECK(again.state() == host->state());
  }
};

bpmn::value text(char fill) { return std::string(large_bytes, fill); }

}  // namespace

TEST_CASE("a large variable is a row of its own: the event stays small, and the instance is the same after a restart") {
  fixture f;
  SECTION("from events") { f.context.settings.snapshot_after_bytes = SIZE_MAX; }
  SECTION("from a snapshot") { f.context.settings.snapshot_after_bytes = 0; }
  SECTION("from a snapshot and events") { f.context.settings.snapshot_after_bytes = large_bytes / 2; }
  f.start();
  f.answer({{"data", text('a')}, {"small", bpmn::value("s")}});
  REQUIRE(f.values().size() == 1);
  CHECK(f.values().front().key.size() == 8 + 32);
  CHECK(f.values().front().value.size() > large_bytes);
  CHECK(f.event_bytes() < 2'000);
  f.check_reload();
  f.answer({{"small", bpmn::value("t")}});
  f.answer({{"other", text('b')}, {"data", bpmn::value(std::string(4'000, 'a'))}});
  CHECK(f.values().size() == 2);
  CHECK(f.event_bytes() < 10'000);
  f.check_reload();
  if (const auto snapshot = *f.store->view()->instance_snapshot(f.id); f.context.settings.snapshot_after_bytes < SIZE_MAX) {
    REQUIRE(snapshot);
    CHECK(snapshot->bytes.size() < 10'000);
  }
  f.answer({{"done", bpmn::value(true)}});
  CHECK_FALSE(f.host->running());
  f.check_reload();
  // Its values are there to be looked at until it is forgotten.
  instance_host ended(f.context, f.id);
  REQUIRE(ended.load(true));
  CHECK(ended.state().executions.find(1)->variables.size() == 4);
  storage::commit forget;
  forget.operations.push_back(storage::forget_instance{f.id});
  REQUIRE(f.store->submit_wait(std::move(forget)));
  CHECK(f.values().empty());
}

TEST_CASE("the same value set again is not written again, also not by an instance that was loaded") {
  fixture f;
  f.context.settings.snapshot_after_bytes = 0;
  f.start();
  const auto written = [&] { return f.store->status().bytes_written; };
  auto before = written();
  f.answer({{"data", text('a')}});
  CHECK(written() - before > large_bytes);
  CHECK(written() - before < large_bytes + 20'000);  // event and snapshot share it
  before = written();
  f.answer({{"data", text('a')}, {"copy", text('a')}});
  CHECK(written() - before < 20'000);
  f.host.emplace(f.context, f.id);
  REQUIRE(f.host->load());
  before = written();
  f.answer({{"data", text('a')}});
  CHECK(written() - before < 20'000);
  CHECK(f.values().size() == 1);
  f.check_reload();
}

TEST_CASE("an instance whose large value is gone is damaged: the error names instance and hash") {
  fixture f;
  f.start();
  f.answer({{"data", text('a')}});
  const auto key = f.values().front().key;
  storage::commit c;
  c.operations.push_back(storage::delete_row{storage::table::value, key});
  REQUIRE(f.store->submit_wait(std::move(c)));
  instance_host again(f.context, f.id);
  const auto refused = again.load();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().is(storage::errc::damaged));
  CHECK(refused.error().text().find(base::to_hex(std::string_view(key).substr(8))) != std::string::npos);
  CHECK(refused.error().text().find(f.host->external_id()) != std::string::npos);
}

TEST_CASE("many large values don't make every step hash them all: a snapshot waits for as many bytes of events") {
  fixture f;
  f.context.settings.snapshot_after_bytes = 16 << 10;
  f.start();
  f.answer({{"a", text('a')}, {"b", text('b')}, {"c", text('c')}});
  const auto first = *f.store->view()->instance_snapshot(f.id);
  REQUIRE(first);
  f.answer({{"small", bpmn::value(std::string(4'000, 's'))}});
  f.answer({{"d", bpmn::value(std::string(20'000, 'd'))}});
  CHECK((*f.store->view()->instance_snapshot(f.id))->event == first->event);
  // Loading must not read more than about twice the state.
  for (char fill = 'd'; fill < 'h'; ++fill) f.answer({{"a", text(fill)}});
  CHECK((*f.store->view()->instance_snapshot(f.id))->event > first->event);
  f.check_reload();
}

TEST_CASE("an instance of a release that kept all values in its events goes on, and its next snapshot brings their rows along") {
  fixture f;
  f.context.settings.snapshot_after_bytes = 0;
  f.start();
  // proto/event.proto by hand: a field of bytes.
  const auto field = [](int number, const std::string& content) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    auto n = content.size();
    for (; n > 127; n >>= 7) out += static_cast<char>(n | 128);
    return out + static_cast<char>(n) + content;
  };
  const auto write = field(1, "old") + field(2, field(8, std::string(large_bytes, 'o')));  // VariableWrite
  const auto event = field(2, "\x08\x01" + field(2, write));  // variables_written, execution 1
  storage::large_values aside;
  const auto head = storage::encode_batch({f.host->state().events + 1, {5}, "old", f.host->state().definition_sha256, 1, {}}, aside);
  storage::commit c;
  const auto next = (*f.store->view()->instance(f.id))->last_event + 1;
  c.operations.push_back(storage::append_events{f.id, next, {*head + field(6, event), *head + field(6, event)}, std::nullopt});
  REQUIRE(f.store->submit_wait(std::move(c)));
  f.host.emplace(f.context, f.id);
  REQUIRE(f.host->load());
  CHECK(f.values().empty());
  f.answer({{"small", bpmn::value("s")}});
  CHECK(f.values().size() == 1);
  CHECK((*f.store->view()->instance_snapshot(f.id))->bytes.size() < 2'000);
  CHECK(bpmn::visible_variables(f.host->state(), 1).size() == 3);
  f.check_reload();
}

TEST_CASE("a resource in a variable is sealed whatever its size; without its key an instance is not loaded, and says why") {
  fixture f;
  SECTION("from events") { f.context.settings.snapshot_after_bytes = SIZE_MAX; }
  SECTION("from a snapshot") { f.context.settings.snapshot_after_bytes = 0; }
  f.start();
  const auto keys = [&] { return f.store->view()->rows(storage::table::data_key, "", 10)->size(); };
  CHECK(keys() == 0);  // texts and flags of the process itself need none
  f.answer({{"patient", bpmn::value(bpmn::fhir_resource{"Patient", R"({"resourceType":"Patient"})"})}});
  f.answer({{"list", bpmn::value(bpmn::value_list{bpmn::value(1), bpmn::value(bpmn::bytes{"raw"})})}, {"text", bpmn::value("short")}});
  CHECK(keys() == 1);
  CHECK(f.values().size() == 2);
  for (const auto& row : f.values()) CHECK(row.value.find("Patient") == std::string::npos);
  f.check_reload();
  // One that was loaded goes on under the same key.
  f.host.emplace(f.context, f.id);
  REQUIRE(f.host->load());
  f.answer({{"patient", bpmn::value(bpmn::fhir_resource{"Patient", R"({"resourceType":"Patient","active":true})"})}});
  CHECK(keys() == 1);
  CHECK(f.values().size() == 3);
  f.check_reload();

  storage::commit erase;
  erase.operations.push_back(storage::delete_row{storage::table::data_key, storage::keys::instance_data_key(f.id)});
  REQUIRE(f.store->submit_wait(std::move(erase)));
  // In memory it goes on, but stores nothing more of patients.
  std::vector<incoming> commands;
  commands.push_back(
      {{f.context.clock->now(), "test",
        bpmn::complete_user_task{(*f.host->state().user_tasks.begin()).id,
                                 {{"other", bpmn::value(bpmn::fhir_resource{"Patient", R"({"resourceType":"Patient","id":"x"})"})}}}},
       {},
       {},
       {},
       {}});
  auto step = f.host->plan(std::move(commands));
  REQUIRE(step);
  CHECK(f.store->submit_wait(std::move(step->commit)).error().is(storage::errc::row_conflict));
  instance_host again(f.context, f.id);
  const auto refused = again.load();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().is(storage::errc::erased));
  CHECK(refused.error().to_string().find(f.host->external_id()) != std::string::npos);
}
