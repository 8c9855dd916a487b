// Finds: a text of a resource that becomes markup, an input that is lost or invented, an answer of the engine's own that is changed.
#include <catch2/catch.hpp>

#include "web/answer_form.hpp"
#include "web/assets.hpp"
#include "web/bundle_view.hpp"
#include "web/outcome.hpp"
#include "web/resource_view.hpp"
#include "web/task_form.hpp"

using namespace dsf;
using namespace dsf::web;
using base::json;

namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

json parse(const std::string& text) {
  auto j = json::parse(text);
  REQUIRE(j);
  return *std::move(j);
}

visitor somebody() {
  visitor v;
  v.base_url = "https://site-a.example/fhir";
  v.site = "<b>site</b>";
  v.name = "site-a.example/\"><script>";
  v.environment_name = "<i>Rehearsal</i>";
  v.here = "/fhir/Task?x=\"><script>";
  return v;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

const std::string evil = R"(<script>alert(1)</script>\" onload=\"x)";

json draft() {
  return parse(
      R"({"resourceType":"Task","id":"d1","meta":{"versionId":"3","lastUpdated":"2026-05-01T10:00:00Z","profile":["http://x.example/p|1.0"]},
    "identifier":[{"system":"http://dsf.dev/sid/task-identifier","value":"x"}],"instantiatesCanonical":"http://x.example/bpe/Process/collect|1.0",
    "status":"draft","intent":"order","requester":{"identifier":{"system":"o","value":"a"}},
    "input":[{"type":{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"message-name"}]},"valueString":"start"},
      {"type":{"coding":[{"system":"s","code":"project"}]},"valueString":"p1"},
      {"type":{"coding":[{"system":"s","code":"where"}]},"valueReference":{"reference":"Endpoint/1","display":"there"}},
      {"type":{"coding":[{"system":"s","code":"often"}]},"valueTiming":{"event":["2026"]}}]})");
}

json profile() {
  return parse(R"({"resourceType":"StructureDefinition","differential":{"element":[
    {"id":"Task.input:project","min":1,"max":"2"},{"id":"Task.input:project.type.coding.system","fixedUri":"s"},{"id":"Task.input:project.type.coding.code","fixedCode":"project"},
    {"id":"Task.input:project.value[x]","type":[{"code":"string"}]},
    {"id":"Task.input:ratio","min":0,"max":"1"},{"id":"Task.input:ratio.type.coding.system","fixedUri":"s"},{"id":"Task.input:ratio.type.coding.code","fixedCode":"ratio"},
    {"id":"Task.input:ratio.value[x]","type":[{"code":"decimal"}]},
    {"id":"Task.input:kind","min":1,"max":"1"},{"id":"Task.input:kind.type.coding.system","fixedUri":"s"},{"id":"Task.input:kind.type.coding.code","fixedCode":"kind"},
    {"id":"Task.input:kind.value[x]","fixedCode":"full"}]}})");
}

}  // namespace

TEST_CASE("pages: nothing that stands in a resource, an address or a name becomes markup") {
  const auto who = somebody();
  const auto r = parse(R"({"resourceType":"Group","id":")" + evil + R"(","meta":{"versionId":")" + evil + R"(","lastUpdated":")" + evil +
                       R"("},"name":")" + evil + R"(","status":")" + evil + R"(",")" + evil + R"(":["x",{"a":")" + evil +
                       R"("}],"managingEntity":{"reference":"javascript:x",
                       "display" : ")" +
                       evil + R"("},"code":{"coding":[{"system":")" + evil + R"(","code":")" + evil +
                       R"("}]},"text":{"div":"<div><script>alert(1)</script></div>"}})");
  json entry = json::object{{"resource", r}, {"request", json::object{{"method", "PUT"}, {"url", evil}}}};
  const json bundle =
      json::object{{"resourceType", "Bundle"},
                   {"entry", json::array{entry}},
                   {"link", json::array{json::object{{"relation", "next"}, {"url", "https://site-a.example/fhir/Group?x=\"><script>"}}}}};
  json task = draft();
  task.set("id", evil);
  (*task.find("input")->if_array())[1].set("valueString", evil);
  const json outcome =
      json::object{{"issue", json::array{json::object{{"severity", evil}, {"diagnostics", evil}, {"expression", json::array{evil}}}}}};
  const form_values sent(fields{{"input1.0", "<script>"}});
  const std::vector<page> all = {resource_page(who, r, true),
                                 search_page(who, "Group", {{"name", "\"><script>"}, {"\"><script>", "x"}}, bundle),
                                 history_page(who, "Group/" + evil, bundle),
                                 start_page(who),
                                 error_page(who, 404, outcome),
                                 foreign_form_page(who),
                                 task_form_page(who, task, profile(), {"\"><script>"}, {&sent, {"<script>"}}),
                                 answer_form_page(who, task, r, {}, {})};
  for (const auto& p : all) {
    const auto text = render(who, p);
    INFO(text.substr(0, 300));
    CHECK_FALSE(has(text, "<script>"));
    CHECK_FALSE(has(text, "<b>site"));
    CHECK_FALSE(has(text, "<i>Re"));
    CHECK_FALSE(has(text, "\" onload=\""));
    CHECK_FALSE(has(text, "href=\"javascript"));
    CHECK(text.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  }
}

TEST_CASE("pages: long base64 is not shown, references and canonicals lead on") {
  const auto who = somebody();
  const auto binary =
      json(json::object{{"resourceType", "Binary"}, {"id", "b"}, {"contentType", "text/plain"}, {"data", std::string(4'000, 'A')}});
  const auto text = render(who, resource_page(who, binary, false));
  CHECK_FALSE(has(text, std::string(100, 'A')));
  CHECK(has(text, "3000 bytes, not shown"));
  const auto shown = render(who, resource_page(who, draft(), false));
  CHECK(has(shown, "href=\"/fhir/Endpoint/1\""));
  CHECK(has(shown, "href=\"/fhir/StructureDefinition?url=http%3A%2F%2Fx.example%2Fp%7C1.0\""));
}

TEST_CASE("pages: a draft and its profile become slots") {
  const auto slots = input_slots(draft(), profile());
  REQUIRE(slots.size() == 6);
  CHECK(slots[0].fixed);  // message-name
  CHECK((slots[1].code == "project" && slots[1].min == 1 && slots[1].max == 2 && slots[1].shape.required));
  CHECK((slots[2].shape.type == "Reference" && !slots[2].fixed && slots[2].min == 0));
  CHECK((slots[3].shape.type == "Timing" && slots[3].fixed));
  CHECK((slots[4].code == "ratio" && slots[4].shape.type == "decimal" && slots[4].values.empty()));
  CHECK((slots[5].code == "kind" && slots[5].fixed && slots[5].values[0]["valueCode"].str() == "full"));
}

TEST_CASE("pages: what was entered becomes a new Task of its sender") {
  const auto who = somebody();
  problems wrong;
  const form_values good(fields{{"input1.0", " p2 "},
                                {"input1.1", "p3"},
                                {"rows1", ".."},
                                {"input2.0.reference", "Endpoint/2"},
                                {"input4.0", "1.50"},
                                {"input5.0", "ignored"}});
  const auto task = task_of_form(who, draft(), profile(), good, {true, "person@site-a.example"}, "2026-06-01T00:00:00.000Z", wrong);
  REQUIRE(task);
  CHECK(wrong.empty());
  for (const auto gone : {"id", "identifier"}) CHECK((*task)[gone].is_null());
  CHECK((*task)["meta"]["versionId"].is_null());
  CHECK((*task)["meta"]["profile"].size() == 1);
  CHECK((*task)["status"].str() == "requested");
  CHECK((*task)["requester"]["identifier"]["system"].str() == "http://dsf.dev/sid/practitioner-identifier");
  const auto& in = (*task)["input"];
  REQUIRE(in.size() == 7);
  CHECK(in[0]["valueString"].str() == "start");
  CHECK(in[1]["valueString"].str() == "p2");
  CHECK(in[2]["valueString"].str() == "p3");
  CHECK(in[3]["valueReference"]["reference"].str() == "Endpoint/2");
  CHECK(in[4]["valueTiming"]["event"].size() == 1);
  CHECK(in[5]["valueDecimal"].dump() == "1.50");
  CHECK(in[6]["valueCode"].str() == "full");
}

TEST_CASE("pages: what is missing or wrong in a form is said by its name") {
  const auto who = somebody();
  problems wrong;
  CHECK_FALSE(task_of_form(who, draft(), profile(), form_values(fields{{"input4.0", "much"}}), {}, "now", wrong));
  CHECK(wrong == problems{"project is required.", "ratio has to be a number."});
}

TEST_CASE("pages: answers are filled in, and what the engine put there stays") {
  const auto who = somebody();
  const auto questions = parse(R"({"resourceType":"Questionnaire","item":[{"linkId":"ok","type":"boolean","text":"OK?","required":true},
    {"linkId":"which","type":"choice","text":"Which?","answerOption":[{"valueCoding":{"system":"s","code":"a","display":"A"}},{"valueCoding":{"system":"s","code":"b"}}]},
    {"linkId":"user-task-id","type":"string","required":true},{"linkId":"g","type":"group","item":[{"linkId":"note","type":"text"}]}]})");
  const auto response = parse(R"({"resourceType":"QuestionnaireResponse","id":"r","meta":{"versionId":"1"},"status":"in-progress","item":[
    {"linkId":"user-task-id","answer":[{"valueString":"7"}]},{"linkId":"ok"},{"linkId":"which"},{"linkId":"g","item":[{"linkId":"note"}]}]})");
  const auto text = render(who, answer_form_page(who, response, questions, {"t"}, {}));
  CHECK_FALSE(has(text, "name=\"item0"));
  CHECK(has(text, "<option value=\"s|a\">A</option>"));
  problems wrong;
  const form_values sent(fields{{"item0.0", "8"}, {"item1.0", "true"}, {"item2.0", "s|b"}, {"item3-0.0", "a note"}});
  const auto done = answer_of_form(who, response, questions, sent, {false, "site-a.example"}, "2026-06-01T00:00:00.000Z", wrong);
  REQUIRE(done);
  CHECK((*done)["status"].str() == "completed");
  CHECK((*done)["author"]["identifier"]["value"].str() == "site-a.example");
  const auto& items = (*done)["item"];
  CHECK(items[0]["answer"][0]["valueString"].str() == "7");
  CHECK(items[1]["answer"][0]["valueBoolean"].bool_or(false));
  CHECK(items[2]["answer"][0]["valueCoding"]["code"].str() == "b");
  CHECK(items[3]["item"][0]["answer"][0]["valueString"].str() == "a note");
  CHECK_FALSE(answer_of_form(who, response, questions, form_values(fields{{"item2.0", "s|c"}}), {}, "now", wrong));
  CHECK(wrong == problems{"OK? is required.", "Which?: the value is none of those offered."});
}

TEST_CASE("pages: the files are there, and no others") {
  for (const auto name : {"pages.css", "pages.js", "favicon.svg"}) CHECK(find_asset(name));
  CHECK_FALSE(find_asset("../pages.css"));
  CHECK_FALSE(find_asset(""));
}
