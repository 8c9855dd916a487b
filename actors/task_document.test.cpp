#include <catch2/catch.hpp>

#include "actors/task_document.hpp"

using namespace dsf;
using namespace dsf::actors;

TEST_CASE("a process canonical gives key and version, anything else nothing") {
  const auto p = parse_canonical("http://dsf.dev/bpe/Process/ping|1.0");
  REQUIRE(p);
  CHECK(p->key == "dsfdev_ping");
  CHECK(p->version == "1.0");
  CHECK(p->url == "http://dsf.dev/bpe/Process/ping");
  CHECK(parse_canonical("https://medizininformatik-initiative.de/bpe/Process/feasibilityExecute|1.0")->key ==
        "medizininformatik-initiativede_feasibilityExecute");
  for (const auto* bad :
       {"", "http://dsf.dev/bpe/Process/ping", "http://dsf.dev/bpe/Process/ping|1", "http://dsf.dev/bpe/Process/ping|1.0.0",
        "ftp://dsf.dev/bpe/Process/ping|1.0", "http://dsf/bpe/Process/ping|1.0", "http://dsf.dev/bpe/Process/a_b|1.0"})
    CHECK_FALSE(parse_canonical(bad));
}

TEST_CASE("an outgoing Task has DSF's shape and order, and our outbox identifier") {
  bpmn::outgoing_message m;
  m.to = {"site-b", "endpoint-b", "https://b/fhir", "ck"};
  m.instantiates_canonical = "http://dsf.dev/bpe/Process/pong|1.0";
  m.message_name = "ping";
  m.profile = "http://dsf.dev/fhir/StructureDefinition/task-ping|1.0";
  m.business_key = "bk";
  m.additional_inputs = {R"({"type":{"coding":[{"system":"s","code":"c"}]},"valueString":"x"})"};
  const auto task = outgoing_task(m, "site-a", {0}, "5d9a");
  REQUIRE(task);
  CHECK(
      task->dump() ==
      R"({"resourceType":"Task","meta":{"profile":["http://dsf.dev/fhir/StructureDefinition/task-ping|1.0"]},)"
      R"("identifier":[{"system":"https://dsfd.invalid/sid/outbox-entry","value":"5d9a"}],)"
      R"("instantiatesCanonical":"http://dsf.dev/bpe/Process/pong|1.0","status":"requested","intent":"order","authoredOn":"1970-01-01T00:00:00.000Z",)"
      R"("requester":{"type":"Organization","identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a"}},)"
      R"("restriction":{"recipient":[{"type":"Organization","identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-b"}}]},)"
      R"("input":[{"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"message-name"}]},"valueString":"ping"},)"
      R"({"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"business-key"}]},"valueString":"bk"},)"
      R"({"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"correlation-key"}]},"valueString":"ck"},)"
      R"({"type":{"coding":[{"system":"s","code":"c"}]},"valueString":"x"}]})");
  const auto f = facts_of(*task);
  CHECK(f.process->key == "dsfdev_pong");
  CHECK(f.message_name == "ping");
  CHECK(f.business_key == "bk");
  CHECK(f.has_correlation_key);
  CHECK(f.requester == "site-a");
}

TEST_CASE("the final Task merges only its own changes, and a handler's failed wins") {
  auto task = *base::json::parse(R"({"resourceType":"Task","id":"t1","status":"in-progress","input":[]})");
  const std::vector<bpmn::task_change> changes{{"t1", {R"({"valueString":"o"})"}, "failed", "too many requests"},
                                               {"t2", {R"({"valueString":"no"})"}, "", ""}};
  const auto done = to_final(task, "completed", "", changes);
  CHECK(done["status"].str() == "failed");
  CHECK(done["statusReason"]["text"].str() == "too many requests");
  CHECK(done["output"].size() == 1);
  const auto failed = to_final(task, "failed", "why", {});
  CHECK(failed["output"][0]["type"]["coding"][0]["code"].str() == "error");
  CHECK(failed["output"][0]["valueString"].str() == "why");
}

TEST_CASE("a business key is added once") {
  auto task = *base::json::parse(R"({"resourceType":"Task","id":"t1","status":"requested"})");
  const auto a = to_in_progress(task, "k1");
  CHECK(facts_of(a).business_key == "k1");
  CHECK(a["status"].str() == "in-progress");
  const auto again = to_in_progress(a, "k2");
  CHECK(facts_of(again).business_key == "k1");
  CHECK(again["input"].size() == 1);
}
