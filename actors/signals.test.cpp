// Signals between instances (engine 1c.13).
#include "actors/engine_fixture.test.hpp"

using namespace dsf;
using namespace dsf::actors;
using namespace dsf::actors::testing;

namespace {

// Of a process: it begins with this message, and then hears or gives the signal.
std::string with_signal(const std::string& key, const std::string& message, const std::string& element) {
  return R"(<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">
 <bpmn:process id=")" +
         key + R"(" isExecutable="true" camunda:versionTag="1.0">
  <bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="m_start"/></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="signal"/>
  <bpmn:)" +
         element + R"( id="signal"><bpmn:signalEventDefinition signalRef="s_go"/></bpmn:)" + element + R"(>
  <bpmn:sequenceFlow id="f2" sourceRef="signal" targetRef="end"/>
  <bpmn:endEvent id="end"/>
 </bpmn:process>
 <bpmn:message id="m_start" name=")" +
         message + R"("/><bpmn:signal id="s_go" name="go"/>
</bpmn:definitions>)";
}

}  // namespace

TEST_CASE("a signal reaches every instance that waits for it, also those that left memory, and nobody later") {
  fixture f;
  for (const auto& xml : {with_signal("testorg_hear", "startHear", "intermediateCatchEvent"),
                          with_signal("testorg_call", "startCall", "intermediateThrowEvent")}) {
    const auto read = bpmn::read_bpmn(xml, "signal.bpmn");
    REQUIRE(read);
    f.processes.add({read->front(), process_state::active, ""});
  }
  std::vector<std::string> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(f.post("startHear", "h" + std::to_string(i), "hear"));
  REQUIRE(f.eventually([&] { return f.count(storage::table::subscription) == 20; }));
  f.close();
  f.open();
  tasks.push_back(f.post("startCall", "c", "call"));
  for (const auto& t : tasks) REQUIRE(f.eventually([&] { return f.status(t) == "completed"; }));
  CHECK(f.eventually([&] { return f.clean(); }));
  const auto late = f.post("startHear", "late", "hear");
  CHECK(f.eventually([&] { return f.count(storage::table::subscription) == 1; }));
  CHECK(f.status(late) == "in-progress");
}
