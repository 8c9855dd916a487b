#include <catch2/catch.hpp>

#include "processes/ping/handlers.hpp"
#include "processes/ping/status.hpp"
#include "processes/testing/fake_site.test.hpp"

namespace dsf::processes::ping {
namespace {

using namespace testing;
using plugins::completed;
using plugins::failed;

const bpmn::target target_a{"dic-a.example", "endpoint.dic-a.example", "https://dic-a.example/fhir", "key-a"};

plugins::activation pinging() {
  auto a = started_by("hrp.example", {});
  a.variables.emplace_back("target", bpmn::value(target_a));
  return a;
}

json text_input(std::string_view code, std::string_view text) { return parameter(ping_codes, code, "valueString", text); }

std::string only_output(const plugins::outcome& o) {
  const auto& c = std::get<completed>(o);
  REQUIRE(c.tasks.size() == 1);
  CHECK(c.tasks[0].task_id == "t1");
  REQUIRE(c.tasks[0].add_outputs.size() == 1);
  return c.tasks[0].add_outputs[0];
}

const std::string about_a =
    R"([{"extension":[{"url":"correlation-key","valueString":"key-a"},{"url":"organization-identifier","valueIdentifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"dic-a.example"}},{"url":"endpoint-identifier","valueIdentifier":{"system":"http://dsf.dev/sid/endpoint-identifier","value":"endpoint.dic-a.example"}}],"url":"http://dsf.dev/fhir/StructureDefinition/extension-ping-status"}])";
std::string expected_output(const std::string& kind, const std::string& status) {
  return R"({"extension":)" + about_a + R"(,"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/ping","code":")" + kind +
         R"("}]},"valueCoding":{"system":"http://dsf.dev/fhir/CodeSystem/ping-status","code":")" + status + R"("}})";
}

}  // namespace

// Would find: the own site pinged, one correlation key for two targets, a search that is ignored or that lets strangers in.
TEST_CASE("ping: targets are all others, or those the search names") {
  fake_site site("hrp.example");
  SECTION("all") {
    const auto done = std::get<completed>(select_ping_targets(started_by("hrp.example", {}), site));
    const auto* t = done.variables.at(0).new_value.as<bpmn::targets>();
    REQUIRE(t);
    REQUIRE(t->entries.size() == 2);
    CHECK(t->entries[0].endpoint_identifier == "endpoint.dic-a.example");
    CHECK(t->entries[1].organization_identifier == "dic-b.example");
    CHECK(t->entries[0].correlation_key != t->entries[1].correlation_key);
    CHECK(done.variables[0].name == "targets");
  }
  SECTION("pages of a search; unknown, inactive and own endpoints are left out") {
    const auto page = [](std::string_view id, std::string_view status) {
      json e = json::object{
          {"resource",
           json::object{{"resourceType", "Endpoint"}, {"status", status}, {"identifier", json::array{identifier(endpoint_sid, id)}}}}};
      return json(json::object{{"total", 4}, {"entry", json::array{e}}});
    };
    const std::string q = "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|x&_page=";
    site.own.answers[q + "1"] = page("endpoint.dic-b.example", "active");
    site.own.answers[q + "2"] = page("endpoint.dic-a.example", "off");
    site.own.answers[q + "3"] = page("endpoint.hrp.example", "active");
    site.own.answers[q + "4"] = page("stranger", "active");
    const auto a = started_by(
        "hrp.example",
        {text_input("target-endpoints", "https://hrp.example/fhir/Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|x")});
    const auto done = std::get<completed>(select_ping_targets(a, site));
    const auto* t = done.variables.at(0).new_value.as<bpmn::targets>();
    REQUIRE(t->entries.size() == 1);
    CHECK(t->entries[0].endpoint_identifier == "endpoint.dic-b.example");
  }
  SECTION("a search for something else") {
    const auto f =
        std::get<failed>(select_ping_targets(started_by("hrp.example", {text_input("target-endpoints", "Patient?name=x")}), site));
    CHECK_FALSE(f.retryable);
    CHECK(f.error.find("target-endpoints must be a search that results in Endpoints") != f.error.npos);
  }
}

// Would find: a message that a Java site's profile refuses.
TEST_CASE("ping: the message names the endpoint that waits for the answer") {
  fake_site site("hrp.example");
  auto a = pinging();
  message_fields(a, "http://dsf.dev/bpe/Process/pong|1.0", "ping", "http://dsf.dev/fhir/StructureDefinition/task-ping|1.0");
  const auto done = std::get<completed>(send_ping(a, site));
  REQUIRE(done.messages.size() == 1);
  const auto& m = done.messages[0];
  CHECK(m.to == target_a);
  CHECK(m.instantiates_canonical == "http://dsf.dev/bpe/Process/pong|1.0");
  CHECK(m.message_name == "ping");
  CHECK(m.profile == "http://dsf.dev/fhir/StructureDefinition/task-ping|1.0");
  CHECK(m.business_key == "bk");
  CHECK(
      m.additional_inputs ==
      std::vector<std::string>{
          R"({"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/ping","code":"endpoint-identifier"}]},"valueReference":{"type":"Endpoint","identifier":{"system":"http://dsf.dev/sid/endpoint-identifier","value":"endpoint.hrp.example"}}})"});
  a.fields.pop_back();
  CHECK(std::get<failed>(send_ping(a, site)).error.find("no field profile") != std::string::npos);
}

// Would find: a refused ping that fails the instance, or a wrong status.
TEST_CASE("ping: a failed send becomes a local status code") {
  fake_site site("hrp.example");
  for (const auto& [http, status] : {std::pair{403, "not-allowed"}, {0, "not-reachable"}, {500, "not-reachable"}}) {
    auto a = pinging();
    refuse(a, http, "why");
    const auto done = std::get<completed>(send_ping(a, site));
    REQUIRE(done.variables.size() == 2);
    CHECK(done.variables[0] == set_local("statusCode", status));
    CHECK(done.variables[1] == set_local("errorMessage", "why"));
    CHECK(done.messages.empty());
    apply(a, done);
    const auto output = parsed(only_output(log_send_error(a, site)));
    CHECK(output["valueCoding"]["code"].str() == status);
    CHECK(output["extension"][0]["extension"][3].dump() == R"({"url":"error-message","valueString":"why"})");
  }
}

TEST_CASE("ping: outputs of the start Task") {
  fake_site site("hrp.example");
  CHECK(only_output(log_pong(pinging(), site)) == expected_output("ping-status", "pong-received"));
  CHECK(only_output(log_no_response(pinging(), site)) == expected_output("ping-status", "pong-missing"));
  CHECK(std::get<completed>(set_correlation_key(pinging(), site)).variables.at(0) == set_local("correlationKey", "key-a"));
  auto lost = pinging();
  lost.variables.clear();
  CHECK(std::get<failed>(log_pong(lost, site)).error.find("variable target is not set") != std::string::npos);
}

namespace {
plugins::activation pinged_from(std::string_view endpoint) {
  const json reference = json::object{{"type", "Endpoint"}, {"identifier", identifier(endpoint_sid, endpoint)}};
  return started_by("dic-a.example", {parameter(bpmn_message, "correlation-key", "valueString", "key-a"),
                                      parameter(ping_codes, "endpoint-identifier", "valueReference", reference)});
}
}  // namespace

// Would find: an answer sent to an endpoint that is not the requester's.
TEST_CASE("pong: the target is the requester's endpoint on the allow-list") {
  fake_site site("hrp.example");
  CHECK(std::get<completed>(select_pong_target(pinged_from("endpoint.dic-a.example"), site)).variables.at(0) == set("target", target_a));
  const auto refused = std::get<plugins::bpmn_error>(select_pong_target(pinged_from("endpoint.dic-b.example"), site));
  CHECK(refused.code == "target_not_allowed");
  REQUIRE(refused.tasks.size() == 1);
  CHECK(parsed(refused.tasks[0].add_outputs.at(0))["valueCoding"]["code"].str() == "not-allowed");
  CHECK(std::holds_alternative<failed>(select_pong_target(started_by("dic-a.example", {}), site)));
}

// Would find: pong-send on a Task whose pong never arrived.
TEST_CASE("pong: the status stands when the message was delivered") {
  fake_site site("hrp.example");
  auto a = pinging();
  message_fields(a, "http://dsf.dev/bpe/Process/ping|1.0", "pong", "http://dsf.dev/fhir/StructureDefinition/task-pong|1.0");
  const auto done = std::get<completed>(send_pong(a, site));
  CHECK(done.tasks.empty());
  REQUIRE(done.messages.size() == 1);
  CHECK(done.messages[0].additional_inputs.empty());
  REQUIRE(done.messages[0].on_delivered.size() == 1);
  CHECK(done.messages[0].on_delivered[0].add_outputs == std::vector<std::string>{expected_output("pong-status", "pong-send")});

  refuse(a, 403, "HTTP 403");
  const auto refused = std::get<completed>(send_pong(a, site));
  REQUIRE(refused.tasks.size() == 1);
  CHECK(refused.tasks[0].status == "failed");
  REQUIRE(refused.tasks[0].add_outputs.size() == 2);
  CHECK(parsed(refused.tasks[0].add_outputs[0])["valueCoding"]["code"].str() == "not-allowed");
  CHECK(
      parsed(refused.tasks[0].add_outputs[1])["valueString"].str() ==
      "Task http://dsf.dev/bpe/Process/ping|1.0 send failed [recipient: dic-a.example, endpoint: endpoint.dic-a.example, businessKey: bk, "
      "correlationKey: key-a, message: pong, error: HTTP 403]");
}

// Would find: a timer without a pause, pings that share a business key.
TEST_CASE("autostart: interval, target and message") {
  fake_site site("hrp.example");
  const auto configured = [&](json::array inputs) {
    return set_target_and_configure_timer(started_by("hrp.example", std::move(inputs)), site);
  };
  auto done = std::get<completed>(configured({}));
  CHECK(done.variables.at(0) == set("timerInterval", "PT24H"));
  CHECK(done.variables.at(1) == set("target", bpmn::target{"hrp.example", "endpoint.hrp.example", "https://hrp.example/fhir", ""}));
  CHECK(std::get<completed>(configured({text_input("timer-interval", "PT1H")})).variables.at(0) == set("timerInterval", "PT1H"));
  for (const auto bad : {"PT0S", "soon"}) CHECK_FALSE(std::get<failed>(configured({text_input("timer-interval", bad)})).retryable);

  auto a = started_by("hrp.example", {text_input("target-endpoints", "Endpoint?x")});
  apply(a, done);
  message_fields(a, "http://dsf.dev/bpe/Process/ping|1.0", "startPing", "http://dsf.dev/fhir/StructureDefinition/task-start-ping|1.0");
  const auto first = std::get<completed>(send_start_ping(a, site)).messages.at(0);
  const auto second = std::get<completed>(send_start_ping(a, site)).messages.at(0);
  CHECK(first.business_key != a.business_key);
  CHECK(first.business_key != second.business_key);
  CHECK(first.additional_inputs == std::vector<std::string>{text_input("target-endpoints", "Endpoint?x").dump()});
}

}  // namespace dsf::processes::ping
