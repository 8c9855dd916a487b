#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "processes/feasibility/cql_store.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/feasibility/request_bundle.hpp"
#include "processes/testing/fake_site.test.hpp"

namespace dsf::processes::feasibility {
namespace {

using namespace testing;
using plugins::completed;
using plugins::failed;

const std::string measure_url = "https://hrp.example/fhir/Measure/m1";
constexpr std::string_view native_store = R"({"networks":{"all":{}},"stores":{"own":{"native":true}}})";

json reference(std::string_view code, std::string_view url) {
  return parameter(feasibility_codes, code, "valueReference", json::object{{"reference", url}});
}

std::string error_of(const plugins::outcome& o) {
  const auto* f = std::get_if<failed>(&o);
  return f ? f->error : "not failed";
}
void says(const plugins::outcome& o, std::string_view text) {
  INFO(error_of(o));
  const bool found = error_of(o).find(text) != std::string::npos;
  CHECK(found);
}

json query() {
  return measure_and_library_bundle({.ccdl = R"({"inclusionCriteria":[]})",
                                     .cql = "library Retrieve\nusing FHIR",
                                     .measure_url = "urn:uuid:m",
                                     .library_url = "urn:uuid:l",
                                     .parent_organization = "network.example"});
}

// dic-a.example was asked by hrp.example and has the query.
struct asked {
  fake_site site{"dic-a.example"};
  plugins::activation a = started_by(
      "hrp.example", {parameter(bpmn_message, "correlation-key", "valueString", "key-a"), reference(measure_reference, measure_url)});
  asked() {
    site.configuration = parsed(native_store);
    json found = json::object{{"entry", json::array{}}};
    auto entries = query();
    for (auto& e : *entries.find("entry")->if_array()) {
      auto r = e["resource"];
      r.set("id", r["resourceType"].str() == "Measure" ? "m1" : "l1");
      found.find("entry")->push_back(json::object{{"resource", r}});
    }
    site.others.at("https://hrp.example/fhir")->answers["Measure?_id=m1&_include=Measure:depends-on"] = found;
  }
  completed run(plugins::outcome (*h)(const plugins::activation&, plugins::services&)) {
    const auto o = h(a, site);
    INFO(error_of(o));
    REQUIRE(std::holds_alternative<completed>(o));
    apply(a, std::get<completed>(o));
    return std::get<completed>(o);
  }
};

}  // namespace

// Would find: the wrong sites asked, an old request sent on, a relative Measure that no other site can read.
TEST_CASE("feasibility: the DIC of the one network in which the local organization is HRP are asked") {
  fake_site site("hrp.example");
  auto a = started_by("hrp.example", {reference(measure_reference, "Measure/m1")});
  site.own.answers["Task/t1/_history/1"] = json::object{{"meta", json::object{{"lastUpdated", base::to_iso(site.now())}}}};
  SECTION("targets") {
    const auto done = std::get<completed>(select_request_targets(a, site));
    const auto* t = done.variables.at(0).new_value.as<bpmn::targets>();
    REQUIRE(t);
    REQUIRE(t->entries.size() == 2);
    CHECK(t->entries[0].endpoint_url == "https://dic-a.example/fhir");
    CHECK(t->entries[0].correlation_key != t->entries[1].correlation_key);
    CHECK(done.variables.at(1) == set("measure-id", measure_url));
  }
  SECTION("too old") {
    site.time.advance_us(301 * base::us_per_s);
    const auto o = select_request_targets(a, site);
    says(o, "the request is 301 s old");
    CHECK_FALSE(std::get<failed>(o).retryable);
    site.configuration.set("requestTaskTimeoutUs", 400 * base::us_per_s);
    CHECK(std::holds_alternative<completed>(select_request_targets(a, site)));
  }
  SECTION("no or two networks") {
    site.affiliations.emplace("second.example", "hrp.example", "HRP");
    says(select_request_targets(a, site), "in exactly one parent organization, has it in 2 (network.example, second.example)");
    site.affiliations = {};
    says(select_request_targets(a, site), "has it in 0");
  }
  SECTION("no Measure") { says(select_request_targets(started_by("hrp.example", {}), site), "needs an input measure-reference"); }
}

TEST_CASE("feasibility: the request and what becomes of it") {
  fake_site site("hrp.example");
  auto a = started_by("hrp.example", {});
  a.variables = {{"target", bpmn::value(bpmn::target{"dic-a.example", "e", "https://dic-a.example/fhir", "key-a"})},
                 {"measure-id", bpmn::value(measure_url)}};
  message_fields(a, "http://medizininformatik-initiative.de/bpe/Process/feasibilityExecute|1.0", "feasibilityExecuteMessage", "p|1.0");
  const auto sent = std::get<completed>(send_dic_request(a, site));
  CHECK(
      sent.messages.at(0).additional_inputs.at(0) ==
      R"({"type":{"coding":[{"system":"http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility","code":"measure-reference"}]},"valueReference":{"reference":"https://hrp.example/fhir/Measure/m1"}})");
  CHECK(std::get<completed>(set_correlation_key(a, site)).variables.at(0) == set_local("correlationKey", "key-a"));
  CHECK(std::holds_alternative<completed>(log_receive_timeout(a, site)));
  refuse(a, 0, "no route");
  CHECK(std::get<completed>(send_dic_request(a, site)).variables.at(0) == set_local("sendError", true));
}

// Would find: a report fetched from an endpoint that is not the sender's, two copies after a repeated attempt, foreign tags kept.
TEST_CASE("feasibility: a result is fetched from its sender and shown on its Task") {
  fake_site site("hrp.example");
  const auto report = parsed(
      R"({"resourceType":"MeasureReport","id":"r1","meta":{"tag":[{"code":"ALL"}]},"status":"complete","type":"summary","measure":"x",
    "reporter":{"reference":"Organization/1"},"group":[{"population":[{"code":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/measure-population","code":"initial-population"}]},"count":40}]}]})");
  site.others.at("https://dic-a.example/fhir")->answers["MeasureReport/r1"] = report;
  const auto from = [&](const std::string& organization, const std::string& url) {
    auto a = started_by(organization, {reference(measure_report_reference, url)});
    a.variables.emplace_back("target", bpmn::value(bpmn::target{"dic-a.example", "e", "https://dic-a.example/fhir", "k"}));
    return a;
  };
  auto a = from("dic-a.example", "https://dic-a.example/fhir/MeasureReport/r1");
  const auto done = std::get<completed>(download_measure_report(a, site));
  CHECK(done.variables.at(0).where == bpmn::variable_change::scope::local);
  apply(a, done);
  for (int attempts = 0; attempts < 2; ++attempts) {
    const auto stored = std::get<completed>(store_live_result(a, site));
    CHECK(
        stored.tasks.at(0).add_outputs.at(0) ==
        R"({"type":{"coding":[{"system":"http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility","code":"measure-report-reference"}]},"valueReference":{"reference":"MeasureReport/new-1"}})");
  }
  REQUIRE(site.own.created.size() == 1);
  const auto& copy = site.own.created.begin()->second;
  CHECK(copy["meta"].dump() == R"({"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"LOCAL"}]})");
  CHECK(copy.find("reporter") == nullptr);
  CHECK(copy["group"] == report["group"]);

  says(download_measure_report(from("dic-b.example", "https://dic-a.example/fhir/MeasureReport/r1"), site), "no active endpoint");
  says(download_measure_report(from("dic-a.example", "https://evil.example/fhir/MeasureReport/r1"), site), "no active endpoint");
  for (const auto bad :
       {"https://dic-a.example/fhir/Patient/r1", "https://dic-a.example/fhir/MeasureReport/../x?y", "ftp://x/MeasureReport/1"})
    says(download_measure_report(from("dic-a.example", bad), site), "is not a reference to a MeasureReport");
}

// Would find: a refusal that lasts for ever, an attempt counted twice, networks that share a limit.
TEST_CASE("feasibility: requests are counted per network and interval") {
  asked t;
  t.site.configuration = parsed(
      R"({"networks":{"network.example":{"rateLimit":{"count":2,"intervalUs":1000000}},"all":{"rateLimit":{"count":1,"intervalUs":1000000}}},"stores":{"own":{"native":true}}})");
  const auto set_up = t.run(setup_evaluation_settings);
  CHECK(set_up.variables.at(0) == set("requester-parent-organization", "network.example"));
  CHECK(set_up.variables.at(1) == set("evaluation-obfuscation", true));
  const auto ask = [&](const std::string& key) {
    t.a.idempotency_key = key;
    return *std::get<completed>(evaluate_request_rate(t.a, t.site)).variables.at(0).new_value.as<bool>();
  };
  CHECK(ask("1"));
  CHECK(ask("1"));
  CHECK(ask("2"));
  CHECK_FALSE(ask("3"));
  CHECK(ask("2"));
  CHECK_FALSE(ask("3"));
  t.site.time.advance_us(1'000'000);
  CHECK(ask("4"));
  CHECK_FALSE(ask("3"));
  const auto refused = t.run(reject_task);
  CHECK(refused.tasks.at(0) ==
        bpmn::task_change{.task_id = "t1",
                          .status = "failed",
                          .status_reason = "The request rate limit of network network.example is exceeded; ask again later."});
  t.site.state["feasibility/rate/network.example"] = "garbage";
  CHECK(std::holds_alternative<failed>(evaluate_request_rate(t.a, t.site)));
  CHECK(t.site.state["feasibility/rate/network.example"] == "garbage");
}

TEST_CASE("feasibility: configuration faults name the setting") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "add feasibility.networks.all"},
      {R"({"networks":{"all":{}}})", "there is no store to ask"},
      {R"({"networks":{"all":{"stores":["x"]}},"stores":{"own":{"native":true}}})", "names store x"},
      {R"({"networks":{"all":{}},"stores":{"own":{}}})", "feasibility.stores.own: needs base_url"},
      {R"({"networks":{"all":{}},"stores":{"flare":{"baseUrl":"https://flare.example","evaluationStrategy":"structured-query"}}})",
       "feasibility.stores.flare.evaluation_strategy: evaluation_strategy structured-query"},
      {R"({"networks":{"all":{}},"stores":{"own":{"native":true,"evaluationStrategy":"cql"}}})", "evaluates ccdl, not cql"},
      {R"({"networks":{"all":{"rateLimit":{"count":0}}},"stores":{"own":{"native":true}}})", "feasibility.networks.all.rateLimit"},
  };
  for (const auto& [configuration, text] : cases) {
    asked t;
    t.site.configuration = parsed(configuration);
    says(setup_evaluation_settings(t.a, t.site), text);
  }
  asked stranger;
  stranger.site.affiliations = {};
  says(setup_evaluation_settings(stranger.a, stranger.site), "has no parent organization");
}

// Would find: a wrong sum, a true count in a resource, an output, a message or a log line, a second answer to the same question.
TEST_CASE("feasibility: from the request to the answer with the own repository") {
  asked t;
  t.site.count = [](const json& ccdl) -> result<std::uint64_t> {
    CHECK(ccdl.dump() == R"({"inclusionCriteria":[]})");
    return 73'129;
  };
  t.run(setup_evaluation_settings);
  t.run(evaluate_request_rate);
  t.run(download_feasibility_resources);
  CHECK(t.run(store_feasibility_resources).variables.empty());
  CHECK(t.run(evaluate_cql_measure).variables.empty());
  CHECK(t.run(evaluate_ccdl_measure).variables.at(0) == set("measure-result-ccdl", std::int64_t{73'129}));
  CHECK(t.run(merge_measure_results).variables.at(0) == set("measure-result", std::int64_t{73'129}));

  // Without noise nothing leaves, whatever the model does.
  says(store_measure_report(t.a, t.site), "not obfuscated");
  t.site.dice = 0.9;
  t.run(obfuscate_evaluation_result);
  const auto stored = t.run(store_measure_report);
  const auto& report = t.site.own.created.at("job-1");
  const auto told = report["group"][0]["population"][0]["count"].int_or(-1);
  CHECK(told == 73'130);
  CHECK(report["measure"].str() == measure_url);
  CHECK(
      report["meta"].dump() ==
      R"({"tag":[{"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"LOCAL"},{"extension":[{"url":"http://dsf.dev/fhir/StructureDefinition/extension-read-access-organization","valueIdentifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"hrp.example"}}],"system":"http://dsf.dev/fhir/CodeSystem/read-access-tag","code":"ORGANIZATION"}]})");
  CHECK(
      stored.tasks.at(0).add_outputs.at(0) ==
      R"({"type":{"coding":[{"system":"http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility","code":"measure-report-reference"}]},"valueReference":{"reference":"https://dic-a.example/fhir/MeasureReport/new-1"}})");
  CHECK(t.run(select_response_target).variables.at(0) ==
        set("target", bpmn::target{"hrp.example", "endpoint.hrp.example", "https://hrp.example/fhir", "key-a"}));
  message_fields(t.a, "http://medizininformatik-initiative.de/bpe/Process/feasibilityRequest|1.0", "feasibilitySingleDicResultMessage",
                 "p|1.0");
  const auto message = t.run(send_dic_response).messages.at(0);
  CHECK(message.additional_inputs.at(0).find("https://dic-a.example/fhir/MeasureReport/new-1") != std::string::npos);
  for (const auto& text : {report.dump(), stored.tasks.at(0).add_outputs.at(0), message.additional_inputs.at(0), t.site.logged->text})
    CHECK(text.find("73129") == std::string::npos);

  // The answer is kept with the site: other dice, same answer.
  t.site.dice = 0.0001;
  t.run(merge_measure_results);
  t.run(obfuscate_evaluation_result);
  t.a.idempotency_key = "job-2";
  t.run(store_measure_report);
  CHECK(t.site.own.created.at("job-2")["group"][0]["population"][0]["count"].int_or(-1) == told);

  refuse(t.a, 500, "HTTP 500");
  CHECK(std::get<failed>(send_dic_response(t.a, t.site)).retryable);
}

// Would find: a Task that makes this site call an endpoint of the sender's choice; a query guessed from several.
TEST_CASE("feasibility: the query comes from the requester's endpoint, complete") {
  asked t;
  auto& found = t.site.others.at("https://hrp.example/fhir")->answers["Measure?_id=m1&_include=Measure:depends-on"];
  found.find("entry")->if_array()->pop_back();
  says(download_feasibility_resources(t.a, t.site), "gave 1 and 0");
  auto elsewhere = started_by("hrp.example", {reference(measure_reference, "https://dic-b.example/fhir/Measure/m1")});
  says(download_feasibility_resources(elsewhere, t.site), "no active endpoint https://dic-b.example/fhir of organization hrp.example");
  t.site.others.at("https://hrp.example/fhir")->answers.clear();
  CHECK_FALSE(std::get<failed>(download_feasibility_resources(t.a, t.site)).retryable);
}

TEST_CASE("feasibility: an evaluation that can't be made says why") {
  asked t;
  t.site.configuration =
      parsed(R"({"networks":{"all":{}},"stores":{"fhir":{"baseUrl":"https://fhir.example","evaluationStrategy":"ccdl"}}})");
  t.run(setup_evaluation_settings);
  t.run(download_feasibility_resources);
  const auto o = evaluate_ccdl_measure(t.a, t.site);
  says(o, "feasibility.mapping: a FHIR server can't be asked without");
  CHECK_FALSE(std::get<failed>(o).retryable);
  says(merge_measure_results(t.a, t.site), "no store was asked");
  t.site.configuration = parsed(native_store);
  says(evaluate_ccdl_measure(t.a, t.site), "no repository");
}

// Would find: a CQL server that gets foreign ids or a library it can't resolve; a sum that takes only one store.
TEST_CASE("feasibility: CQL stores get the query and are summed") {
  asked t;
  t.site.configuration = parsed(
      R"({"networks":{"all":{}},"stores":{"a":{"baseUrl":"https://a.example/fhir/","evaluationStrategy":"cql"},"b":{"baseUrl":"https://b.example/fhir","evaluationStrategy":"cql"}}})");
  t.run(setup_evaluation_settings);
  t.run(download_feasibility_resources);
  says(store_feasibility_resources(t.a, t.site), "feasibility.stores.a: the site has no store of this name");
  std::map<std::string, std::shared_ptr<fake_endpoint>> at;
  for (const std::string name : {"a", "b"}) {
    const auto e = std::make_shared<fake_endpoint>();
    t.site.stores[name] = at[name] = e;
    e->transaction_answer = parsed(R"({"entry":[{"response":{"location":"https://x/fhir/Measure/id-)" + name +
                                   R"(/_history/1"}},{"response":{"location":"Library/l/_history/1"}}]})");
    e->answers["Measure/id-" + name + "/$evaluate-measure?periodStart=1900-01-01&periodEnd=2100-01-01&reportType=population"] = parsed(
        R"({"group":[{"population":[{"code":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/measure-population","code":"initial-population"}]},"count":)" +
        std::string(name == "a" ? "7" : "35") + "}]}]}");
  }
  CHECK(t.run(store_feasibility_resources).variables == std::vector{set("measure-id_a", "id-a"), set("measure-id_b", "id-b")});
  const auto sent = at.at("a")->transactions.at(0);
  const auto& measure = sent["entry"][0]["resource"];
  const auto& library = sent["entry"][1]["resource"];
  CHECK(measure["library"].dump() == R"(["https://a.example/fhir/Library/l1"])");
  CHECK(library["url"].str() == "https://a.example/fhir/Library/l1");
  CHECK(measure.find("id") == nullptr);
  CHECK(library.find("meta") == nullptr);
  CHECK(*base::from_base64(library["content"][0]["data"].str()) == "library \"l1\" version '1.0.0'\nusing FHIR");
  CHECK(sent["entry"][0]["request"].dump() == R"({"method":"POST","url":"Measure","ifNoneExist":"url=urn:uuid:m"})");
  CHECK(t.run(evaluate_cql_measure).variables.at(0) == set("measure-result-cql", std::int64_t{42}));
  CHECK(t.run(evaluate_ccdl_measure).variables.empty());
  CHECK(t.run(merge_measure_results).variables.at(0) == set("measure-result", std::int64_t{42}));
  at.at("b")->answers.begin()->second = json::object{};
  says(evaluate_cql_measure(t.a, t.site), "store b answered without a count");
}

TEST_CASE("feasibility: what a requester stores") {
  const auto bundle = query();
  CHECK(bundle["type"].str() == "transaction");
  const auto& measure = bundle["entry"][0]["resource"];
  const auto& library = bundle["entry"][1]["resource"];
  CHECK(measure["library"][0].str() == library["url"].str());
  CHECK(measure["meta"]["profile"][0].str() == "http://medizininformatik-initiative.de/fhir/StructureDefinition/feasibility-measure|1.0");
  CHECK(library["meta"]["tag"][1]["extension"][0]["extension"][0]["valueIdentifier"]["value"].str() == "network.example");
  CHECK(*base::from_base64(library["content"][1]["data"].str()) == R"({"inclusionCriteria":[]})");
}

}  // namespace dsf::processes::feasibility
