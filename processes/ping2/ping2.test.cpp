#include <catch2/catch.hpp>

#include "processes/ping2/handlers.hpp"
#include "processes/ping2/record.hpp"
#include "processes/testing/fake_site.test.hpp"

namespace dsf::processes::ping2 {
namespace {

using namespace testing;
using plugins::completed;

const bpmn::target dic_a{"dic-a.example", "endpoint.dic-a.example", "https://dic-a.example/fhir", "key-a"};

void step(plugins::activation& a, const plugins::outcome& o) {
  INFO((std::holds_alternative<plugins::failed>(o) ? std::get<plugins::failed>(o).error : ""));
  REQUIRE(std::holds_alternative<completed>(o));
  apply(a, std::get<completed>(o));
}
json size_input(std::int64_t bytes) { return value_parameter("download-resource-size-bytes", "valueDecimal", bytes, "2.0"); }
json reference_input(const std::string& to) {
  return value_parameter("download-resource-reference", "valueReference", json::object{{"reference", to}, {"type", "Binary"}}, "2.0");
}
void of_process(plugins::activation& a, const std::string& side) {
  a.version_tag = "2.0";
  std::erase_if(a.fields, [](const auto& f) { return f.first == "process"; });
  a.fields.emplace_back("process", bpmn::value(side));
}
void know_own_organization(fake_site& site, const std::string& name) {
  const json organization = json::object{{"resourceType", "Organization"}, {"id", "org-1"}};
  site.own.answers["Organization?active=true&identifier=http://dsf.dev/sid/organization-identifier|" + name] =
      json::object{{"total", 1}, {"entry", json::array{json::object{{"resource", organization}}}}};
}
std::vector<std::string> codes(const record& r) {
  std::vector<std::string> out;
  for (const auto& e : r.errors) out.push_back(e.code);
  return out;
}

}  // namespace

// Would find: a Binary that others may not read, one that stays, a size that nobody keeps to.
TEST_CASE("ping 2.x: the Binary has the size asked for, within the site's limit, and goes at the end") {
  fake_site site("hrp.example");
  know_own_organization(site, "hrp.example");
  const auto made = [&](std::int64_t asked) {
    auto a = started_by("hrp.example", {size_input(asked)});
    of_process(a, "ping");
    step(a, set_download_resource_size(a, site));
    step(a, generate_and_store_resource(a, site));
    return a;
  };
  auto a = made(100'001);
  REQUIRE(site.own.binaries.size() == 1);
  CHECK(site.own.binaries["b1"].size() == 100'001);
  CHECK(site.own.security_context == "Organization/org-1");
  CHECK(a.variable_text("downloadResourceReference") == "https://hrp.example/fhir/Binary/b1");
  step(a, cleanup(a, site));
  CHECK(site.own.binaries.empty());

  site.settings["dev.dsf.bpe.ping.maxUploadSizeBytes"] = "5000";
  a = made(100'001);
  CHECK(site.own.binaries["b1"].size() == 5'000);
  CHECK(*a.variable("downloadResourceSizeBytes")->as<std::int64_t>() == 5'000);

  site.settings["dev.dsf.bpe.ping.maxUploadSizeBytes"] = "much";
  auto wrong = started_by("hrp.example", {size_input(1)});
  step(wrong, set_download_resource_size(wrong, site));
  CHECK(std::get<plugins::failed>(generate_and_store_resource(wrong, site)).error.find("must be a number of bytes, is 'much'") !=
        std::string::npos);
}

// Would find: an upload that fails and takes the ping along, or whose error the other site never hears of.
TEST_CASE("ping 2.x: an upload that fails is a result, and the pong tells the other site") {
  fake_site site("dic-b.example");
  know_own_organization(site, "dic-b.example");
  site.own.binaries_fail = "HTTP 413: too large";
  auto a = started_by("dic-a.example", {size_input(10)});
  of_process(a, "pong");
  step(a, set_download_resource_size(a, site));
  step(a, generate_and_store_resource(a, site));
  CHECK(a.variable_text("resourceUploadError") == "local-binary-post-http-413");
  a.variables.emplace_back("target", bpmn::value(dic_a));
  message_fields(a, "http://dsf.dev/bpe/Process/ping|2.0", "pong", "http://dsf.dev/fhir/StructureDefinition/task-pong|2.0");
  const auto sent = std::get<completed>(send_pong(a, site));
  REQUIRE(sent.messages.size() == 1);
  REQUIRE(sent.messages[0].additional_inputs.size() == 1);
  json task;
  task.set("input", json::array{parsed(sent.messages[0].additional_inputs[0])});
  REQUIRE(errors_in(task).size() == 1);
  CHECK(errors_in(task)[0].code == "remote-binary-post-http-413");
  CHECK(errors_in(task)[0].potential_fix == "https://dsf.dev/s/error-http");
  step(a, sent);
  const auto done = std::get<completed>(store_pong_results(a, site));
  REQUIRE(done.tasks.at(0).add_outputs.size() == 2);
  CHECK(parsed(done.tasks[0].add_outputs[0])["valueCoding"]["code"].str() == "pong-send");
  CHECK(done.tasks[0].add_outputs[1].find("local-binary-post-http-413") != std::string::npos);
}

// Would find: bytes from a server that the allow-list does not know, a download without a limit, a time that is not measured.
TEST_CASE("ping 2.x: a download counts bytes and time, and only from the sender's own endpoint") {
  fake_site site("dic-b.example");
  auto& other = *site.others["https://dic-a.example/fhir"];
  other.binaries["x"] = std::string(12'345, 'x');
  const auto downloaded = [&](const std::string& reference) {
    auto a = started_by("dic-a.example", {reference.empty() ? size_input(1) : reference_input(reference)});
    of_process(a, "pong");
    step(a, download_resource(a, site));
    return record_in(a, {});
  };
  const auto good = downloaded("https://dic-a.example/fhir/Binary/x");
  REQUIRE(good.download);
  CHECK(good.download->bytes == 12'345);
  CHECK(good.errors.empty());
  CHECK(codes(downloaded("https://dic-a.example/fhir/Binary/none")) == std::vector<std::string>{"local-binary-download-http-unexpected"});
  CHECK(codes(downloaded("https://hrp.example/fhir/Binary/x")) == std::vector<std::string>{"local-unknown"});
  CHECK(codes(downloaded("https://stranger.example/fhir/Binary/x")) == std::vector<std::string>{"local-unknown"});
  CHECK(codes(downloaded("")) == std::vector<std::string>{"local-binary-download-missing-reference"});
  other.binaries_fail = "HTTP 403";
  CHECK(codes(downloaded("https://dic-a.example/fhir/Binary/x")) == std::vector<std::string>{"local-binary-download-http-403"});
  other.binaries_fail.clear();
  site.settings["dev.dsf.bpe.ping.maxDownloadSizeBytes"] = "2500";
  CHECK(downloaded("https://dic-a.example/fhir/Binary/x").download->bytes == 2'500);
  CHECK(other.given == 3'000);
}

// Would find: a ping that is lost when it can't be sent, codes that another site does not know, a target without an output.
TEST_CASE("ping 2.x: every target has its output, with status, speeds and errors") {
  fake_site site("hrp.example");
  auto a = started_by("hrp.example", {size_input(1'000'000)});
  of_process(a, "ping");
  bpmn::targets targets;
  const bpmn::target dic_b{"dic-b.example", "endpoint.dic-b.example", "https://dic-b.example/fhir", "key-b"};
  targets.entries = {dic_a, dic_b};
  a.variables.emplace_back("targets", bpmn::value(targets));

  a.variables.emplace_back("target", bpmn::value(dic_b));
  auto refused = a;
  refuse(refused, 403, "HTTP 403: no");
  step(a, send_ping(refused, site));
  CHECK(a.variable_text("statusCode") == "error");
  std::erase_if(a.variables, [](const auto& v) { return v.first == "target"; });

  a.variables.emplace_back("target", bpmn::value(dic_a));
  json pong = *a.start_task->content;
  json::array inputs;
  for (const auto& in : measured_inputs(measured{1'000'000, 400}, "2.0")) inputs.push_back(parsed(in));
  pong.set("input", std::move(inputs));
  a.latest_task = plugins::task_document{"t2", 1, std::make_shared<const json>(std::move(pong))};
  step(a, save_pong(a, site));
  auto r = record_in(a, "key-a");
  r.download = measured{1'000'000, 1'000};
  step(a, completed{.variables = {keep(r, "key-a")}});

  const auto done = std::get<completed>(store_ping_results(a, site));
  REQUIRE(done.tasks.at(0).add_outputs.size() == 2);
  const auto first = parsed(done.tasks[0].add_outputs[0]), second = parsed(done.tasks[0].add_outputs[1]);
  CHECK(first["valueCoding"].dump() == R"({"system":"http://dsf.dev/fhir/CodeSystem/ping-status","version":"2.0","code":"pong-received"})");
  const auto& parts = first["extension"][std::size_t{0}]["extension"];
  REQUIRE(parts.size() == 5);
  CHECK(
      parts[3].dump() ==
      R"({"url":"download-speed-from-remote","valueQuantity":{"value":8.00,"unit":"Mbps","system":"http://unitsofmeasure.org","code":"Mbit/s"}})");
  CHECK(parts[4]["valueQuantity"]["value"].dump() == "20.00");
  CHECK(second["valueCoding"]["code"].str() == "not-allowed");
  CHECK(second.dump().find("send-message-http-403") != std::string::npos);
}

// Would find: an error below HTTP that gets the code of another one.
TEST_CASE("ping 2.x: what went wrong has the code system's names") {
  CHECK(send_error_code(0, "net.connection_refused: connection refused: nothing listens there", false).code ==
        "send-message-http-host-connect");
  CHECK(send_error_code(0, "the name 'x' can't be resolved: Host not found", false).code == "send-message-unknown-host");
  CHECK(send_error_code(403, "HTTP 403", true).code == "send-reference-message-http-403");
  CHECK(send_error_code(404, "HTTP 404", true).code == "send-message-http-unexpected");
  CHECK(for_other_site({"local-binary-post-http-500", ""}).code == "remote-binary-post-http-500");
}

// Would find: a wait that is shorter than the other site's download.
TEST_CASE("ping 2.x: the pong waits ten times its own download and twenty seconds") {
  fake_site site("dic-b.example");
  auto a = started_by("dic-a.example", {});
  step(a, estimate_cleanup_timer(a, site));
  CHECK(a.variable_text("cleanupTimerDuration") == "PT20.000S");
  record r;
  r.download = measured{1, 1'234};
  step(a, completed{.variables = {keep(r, {})}});
  step(a, estimate_cleanup_timer(a, site));
  CHECK(a.variable_text("cleanupTimerDuration") == "PT32.340S");
}

}  // namespace dsf::processes::ping2
