// Random processes with random answers. Faults these find: tokens that get lost or stuck, rows that outlive their instance, events that do not
// carry all that a step changed.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "bpmn/execution/testing/random_answers.hpp"
#include "bpmn/execution/testing/random_process.hpp"

using namespace dsf;
using namespace dsf::bpmn;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

}  // namespace

TEST_CASE("every random process with random answers reaches its end, and replay gives the same state after every step") {
  const auto from = number_from("DSF_SEED", 1);
  const auto count = number_from("DSF_SEEDS", 300);
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const auto xml = testing::random_process(seed).xml();
    INFO("DSF_SEED=" << seed << " DSF_SEEDS=1");
    const auto models = read_bpmn(xml, "random.bpmn");
    if (!models) FAIL(models.error().to_string() << "\n" << xml);
    testing::test_host host(models->front());
    base::seeded_entropy dice(seed * 7919);
    start_instance start;
    start.business_key = "bk";
    start.start_event = host.model->starts.front();
    start.task = received_task{{"Task", "start", 2}};
    auto started = host.perform(std::move(start));
    if (!started) FAIL(started.error().to_string() << "\n" << xml);
    int steps = 0;
    for (; !host.ended && steps < 20'000; ++steps) {
      if (!host.broken.empty()) break;
      auto more = testing::answer_something(host, dice);
      if (!more) FAIL(more.error().to_string() << "\n" << xml);
      if (!*more) FAIL("waits for nothing\n" << xml);
    }
    if (!host.broken.empty() || !host.ended) FAIL(host.broken << (host.ended ? "" : "no end after the steps") << "\n" << xml);
    REQUIRE(host.task_status.count("start") == 1);
    // Whole replay from nothing.
    instance_state replayed;
    for (const auto& e : host.events) REQUIRE(apply(*host.model, replayed, e));
    REQUIRE(replayed == host.state);
  }
}

TEST_CASE("10,000 instances of a multi-instance activity start in one step; a loop without a wait state does not run for ever") {
  const auto model = [](const std::string& count, const std::string& back) {
    return "<bpmn:definitions xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" "
           "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
           "xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\" id=\"d\" targetNamespace=\"t\"><bpmn:process id=\"p\" "
           "isExecutable=\"true\" "
           "camunda:versionTag=\"1.0\"><bpmn:startEvent id=\"s\"/><bpmn:serviceTask id=\"a\" " +
           back + "><bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality xsi:type=\"bpmn:tFormalExpression\">" + count +
           "</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask><bpmn:endEvent id=\"e\"/>"
           "<bpmn:sequenceFlow id=\"f1\" sourceRef=\"s\" targetRef=\"a\"/><bpmn:sequenceFlow id=\"f2\" sourceRef=\"a\" targetRef=\"" +
           (count == "2" ? "a" : "e") + "\"/></bpmn:process></bpmn:definitions>";
  };
  const auto run = [&](const std::string& xml) {
    const auto models = read_bpmn(xml, "loop.bpmn");
    if (!models) FAIL(models.error().to_string());
    start_instance start;
    start.start_event = models->front()->starts.front();
    return advance(*models->front(), {}, command{{5}, "test", start});
  };
  const auto many = run(model("10000", "camunda:class=\"a.A\""));
  REQUIRE(many);
  CHECK(many->state.jobs.size() == 10'000);
  const auto endless = run(model("2", "camunda:expression=\"${true}\""));
  REQUIRE_FALSE(endless);
  CHECK(endless.error().is(errc::limit));
}
