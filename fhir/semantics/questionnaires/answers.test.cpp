// Would find: an answer that a Questionnaire does not allow, or a good one refused (dsf-fhir-server 4.5; R4 questionnaireresponse.html).
#include "fhir/semantics/questionnaires/answers.hpp"

#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

struct row {
  const char* name;
  const char* asked;   // items of the Questionnaire
  const char* status;
  const char* given;   // items of the response
  const char* fault;   // what must be said; empty: nothing
};

std::string faults(const json& response, const json& questionnaire) {
  const std::unordered_set<std::string> known{"http://c|a"};
  const value_set_codes codes = [&](std::string_view canonical) { return canonical == "http://v" ? &known : nullptr; };
  std::string out;
  for (const auto& i : check_answers(response, questionnaire, codes)) out += i.expression + ": " + i.text + "\n";
  return out;
}

}  // namespace

TEST_CASE("answers: each rule of a Questionnaire, kept and broken", "[questionnaire]") {
  const auto* a = R"({"linkId":"a","type":"string","required":true},{"linkId":"b","type":"integer"})";
  const auto* choice =
      R"({"linkId":"c","type":"choice","answerOption":[{"valueCoding":{"system":"http://c","code":"x"}},{"valueCoding":{"code":"y"}}]})";
  const auto* open = R"({"linkId":"c","type":"open-choice","answerOption":[{"valueCoding":{"system":"http://c","code":"x"}}]})";
  const auto* nested = R"({"linkId":"g","type":"group","repeats":true,"item":[{"linkId":"q","type":"boolean","required":true,
      "item":[{"linkId":"n","type":"date"}]}]})";
  const std::vector<row> rows = {
      {"good", a, "completed", R"({"linkId":"a","answer":[{"valueString":"x"}]},{"linkId":"b","answer":[{"valueInteger":1}]})", ""},
      {"in progress nothing is demanded", a, "in-progress", R"({"linkId":"a"},{"linkId":"b"})", ""},
      {"not even the item", a, "in-progress", "", ""},
      {"completed without the item", a, "completed", R"({"linkId":"b"})", "QuestionnaireResponse: no answer to the required item 'a'"},
      {"completed without an answer", a, "completed", R"({"linkId":"a"})",
       "QuestionnaireResponse.item[0]: no answer to the required item 'a'"},
      {"amended, too", a, "amended", R"({"linkId":"a"})", "no answer to the required item 'a'"},
      {"stopped nothing is demanded", a, "stopped", R"({"linkId":"a"})", ""},
      {"unknown linkId", a, "in-progress", R"({"linkId":"z"})", "item[0]: linkId 'z' is not in the Questionnaire here"},
      {"order", a, "in-progress", R"({"linkId":"b"},{"linkId":"a"})", "item[1]: linkId 'a' stands out of the Questionnaire's order"},
      {"twice", a, "in-progress", R"({"linkId":"a"},{"linkId":"a"})", "linkId 'a' stands more than once"},
      {"another type", a, "in-progress", R"({"linkId":"b","answer":[{"valueString":"1"}]})",
       "item[0].answer[0]: valueString is no answer to an item of type integer; use valueInteger"},
      {"two answers", a, "in-progress", R"({"linkId":"b","answer":[{"valueInteger":1},{"valueInteger":2}]})",
       "the item 'b' has 2 answers, but does not repeat"},
      {"two answers that may be", R"({"linkId":"b","type":"integer","repeats":true})", "completed",
       R"({"linkId":"b","answer":[{"valueInteger":1},{"valueInteger":2}]})", ""},
      {"an option", choice, "completed", R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://c","code":"x"}}]})", ""},
      {"an option without system", choice, "completed", R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://c","code":"y"}}]})",
       ""},
      {"no option", choice, "completed", R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://c","code":"z"}}]})",
       "is none of the answers that item 'c' offers"},
      {"an option of another system", choice, "completed", R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://d","code":"x"}}]})",
       "is none of the answers"},
      {"text is no choice", choice, "completed", R"({"linkId":"c","answer":[{"valueString":"x"}]})", "is none of the answers"},
      {"but an open one", open, "completed", R"({"linkId":"c","answer":[{"valueString":"x"}]})", ""},
      {"whose codes are closed", open, "completed", R"({"linkId":"c","answer":[{"valueCoding":{"code":"z"}}]})", "is none of the answers"},
      {"a code of the value set", R"({"linkId":"c","type":"choice","answerValueSet":"http://v"})", "completed",
       R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://c","code":"a"}}]})", ""},
      {"a code not of it", R"({"linkId":"c","type":"choice","answerValueSet":"http://v"})", "completed",
       R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://c","code":"b"}}]})", "the code 'b' is not in http://v"},
      {"a value set that is not here", R"({"linkId":"c","type":"choice","answerValueSet":"http://w"})", "completed",
       R"({"linkId":"c","answer":[{"valueCoding":{"system":"http://c","code":"b"}}]})", ""},
      {"length", R"({"linkId":"t","type":"text","maxLength":2})", "completed",
       "{\"linkId\":\"t\",\"answer\":[{\"valueString\":\"\xC3\xA4\xC3\xB6\"}]}", ""},
      {"too long", R"({"linkId":"t","type":"text","maxLength":2})", "completed", R"({"linkId":"t","answer":[{"valueString":"abc"}]})",
       "has 3 characters; 2 are allowed"},
      {"display", R"({"linkId":"d","type":"display"})", "completed", R"({"linkId":"d","answer":[{"valueString":"x"}]})",
       "the item 'd' is a display and has no answers"},
      {"display is never demanded", R"({"linkId":"d","type":"display","required":true})", "completed", "", ""},
      {"groups", nested, "completed",
       R"({"linkId":"g","item":[{"linkId":"q","answer":[{"valueBoolean":true,"item":[{"linkId":"n","answer":[{"valueDate":"2026"}]}]}]}]},
          {"linkId":"g","item":[{"linkId":"q","answer":[{"valueBoolean":false}]}]})",
       ""},
      {"required in each group that is there", nested, "completed", R"({"linkId":"g","item":[]})",
       "QuestionnaireResponse.item[0]: no answer to the required item 'q'"},
      {"below an answer", nested, "completed",
       R"({"linkId":"g","item":[{"linkId":"q","answer":[{"valueBoolean":true,"item":[{"linkId":"n","answer":[{"valueString":"x"}]}]}]}]})",
       "item[0].item[0].answer[0].item[0].answer[0]: valueString is no answer to an item of type date"},
      {"not beside an answer", nested, "completed",
       R"({"linkId":"g","item":[{"linkId":"q","answer":[{"valueBoolean":true}],"item":[{"linkId":"n"}]}]})",
       "items below a question stand in its answers"},
      {"what may be disabled is not demanded",
       R"({"linkId":"e","type":"string","required":true,"enableWhen":[{"question":"a","operator":"exists","answerBoolean":true}]})",
       "completed", "", ""},
  };
  for (const auto& r : rows) {
    INFO(r.name);
    const auto questionnaire = parsed(fmt::format(R"({{"resourceType":"Questionnaire","status":"active","item":[{}]}})", r.asked));
    const auto response = parsed(fmt::format(R"({{"resourceType":"QuestionnaireResponse","status":"{}","item":[{}]}})", r.status, r.given));
    const auto said = faults(response, questionnaire);
    INFO(said);
    if (*r.fault)
      CHECK(said.find(r.fault) != std::string::npos);
    else
      CHECK(said.empty());
  }
}

TEST_CASE("a QuestionnaireResponse is refused for what its Questionnaire does not allow", "[questionnaire]") {
  test_site site;
  const auto item = [](std::string_view link, std::string_view text) {
    return fmt::format(R"({{"linkId":"{}","type":"string","required":true,"text":"{}"}})", link, text);
  };
  site.store(
      fmt::format(R"({{"resourceType":"Questionnaire",{},"url":"http://x.example/q","version":"1.0","date":"2026-01-01","status":"active",
    "item":[{},{},{{"linkId":"n","type":"integer","required":true,"text":"How many"}}]}})",
                  test_site::tag("ALL"), item("user-task-id", "The user-task-id of the process execution"),
                  item("business-key", "The business-key of the process execution")));
  const auto response = [](std::string_view answer) {
    return parsed(
        fmt::format(R"({{"resourceType":"QuestionnaireResponse","questionnaire":"http://x.example/q|1.0","status":"in-progress","item":[
      {{"linkId":"user-task-id","text":"The user-task-id of the process execution","answer":[{{"valueString":"1"}}]}},
      {{"linkId":"business-key","text":"The business-key of the process execution","answer":[{{"valueString":"k"}}]}},
      {{"linkId":"n","text":"How many"{}}}]}})",
                    answer));
  };
  const auto good = site.post(site.local, response(""));
  INFO(good.text());
  REQUIRE(good.status() == 201);
  const auto wrong = site.post(site.local, response(R"(,"answer":[{"valueString":"many"}])"));
  CHECK(wrong.status() == 403);
  CHECK(wrong.body().dump().find("valueString is no answer to an item of type integer") != std::string::npos);
  // Completed it needs the answer.
  const auto completed = [&](std::string_view answer) {
    auto out = response(answer);
    out.set("status", "completed");
    out.set("authored", "2026-05-01T10:00:00+02:00");
    out.set(
        "author",
        parsed(R"({"type":"Organization","identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a.example"}})"));
    return out;
  };
  const auto id = good.body()["id"].str();
  const auto without = site.put(site.local, completed(""), id);
  CHECK(without.status() == 403);
  CHECK(without.body().dump().find("no answer to the required item 'n'") != std::string::npos);
  const auto with = site.put(site.local, completed(R"(,"answer":[{"valueInteger":3}])"), id);
  INFO(with.body().dump());
  CHECK(with.status() == 200);
}
