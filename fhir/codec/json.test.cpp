#include "fhir/codec/json.hpp"

#include <catch2/catch.hpp>

#include "fhir/codec/compare.test.hpp"

using namespace dsf;

namespace {

std::string fault(std::string_view text) { return fhir::test::told(fhir::read_json(text)); }

// A valid Task with one more member.
std::string task(std::string_view more) { return R"({"resourceType":"Task","status":"draft","intent":"order",)" + std::string(more) + "}"; }

}  // namespace

TEST_CASE("what is not JSON is refused with the reason", "[fhir][json]") {
  using Catch::Contains;
  CHECK(fault("") == "not valid JSON: Empty: no JSON found");
  CHECK_THAT(fault("{\"resourceType\":\"Task\""), Contains("not valid JSON"));
  CHECK_THAT(fault("{\"resourceType\":\"Patient\"} x"), Contains("not valid JSON"));
  CHECK(fault("\xEF\xBB\xBF{\"resourceType\":\"Patient\"}") == "the JSON text begins with a byte order mark; send UTF-8 without one");
  CHECK(fault(R"({"resourceType":"Patient","resourceType":"Task"})") ==
        "resourceType: the member 'resourceType' occurs twice in one object");
  CHECK_THAT(fault("{\"resourceType\":\"Pa\0tient\"}"), Contains("not valid JSON"));
  CHECK_THAT(fault("{\"resourceType\":\"Patient\",\"id\":\"\xC3\x28\"}"), Contains("not valid JSON: The input is not valid UTF-8"));
  CHECK_THAT(fault(R"({"resourceType":"Patient","id":"\ud800"})"), Contains("not valid JSON"));
  CHECK_THAT(fault(task(R"("restriction":{"repetitions":1e999})")), Contains("not valid JSON"));
}

TEST_CASE("limits are named", "[fhir][json]") {
  fhir::codec_limits limits;
  limits.bytes = 10;
  const auto large = fhir::read_json(R"({"resourceType":"Task"})", limits);
  CHECK(fhir::test::told(large) == "the resource has 23 bytes; at most 10 are accepted");
  CHECK(large.code == fhir::errc::limit);

  std::string deep = R"({"resourceType":"Questionnaire","status":"draft")";
  for (int i = 0; i < 60; ++i) deep += R"(,"item":[{"linkId":"1","type":"group")";
  for (int i = 0; i < 60; ++i) deep += "}]";
  const auto nested = fhir::read_json(deep + "}");
  CHECK(fhir::test::told(nested) == "the document is nested deeper than 100 levels");
  CHECK(nested.issues.front().code == "too-costly");

  std::string many = R"({"resourceType":"Patient")";
  for (int i = 0; i < 50; ++i) many += ",\"no" + std::to_string(i) + "\":1";
  CHECK(fhir::read_json(many + "}").issues.size() == 20);
}

// Built values do not pass the parser's depth limit.
TEST_CASE("check() does not run out of stack on deep values", "[fhir][json]") {
  base::json inner(base::json::object{{"linkId", "1"}, {"type", "group"}});
  for (int i = 0; i < 1000; ++i)
    inner = base::json(base::json::object{{"linkId", "1"}, {"type", "group"}, {"item", base::json(base::json::array{std::move(inner)})}});
  const base::json resource(base::json::object{
      {"resourceType", "Questionnaire"}, {"status", "draft"}, {"item", base::json(base::json::array{std::move(inner)})}});
  const auto issues = fhir::check(resource);
  REQUIRE(issues.size() == 1);
  CHECK(issues.front().text == "nested deeper than 100 levels");
}

TEST_CASE("the resource type is checked", "[fhir][json]") {
  CHECK(fault("[]") == "a resource must be a JSON object, not an array");
  CHECK(fault("{}") == "the resource has no 'resourceType'");
  CHECK(fault(R"({"resourceType":5})") == "resourceType: must be a string, not a number");
  CHECK(fault(R"({"resourceType":"Tusk"})") == "resourceType: 'Tusk' is not an R4 resource type");
  CHECK(fault(R"({"resourceType":"DomainResource"})") == "resourceType: 'DomainResource' is not an R4 resource type");
  CHECK(fault(R"({"resourceType":"SubscriptionStatus"})") == "resourceType: 'SubscriptionStatus' is not an R4 resource type");
}

TEST_CASE("elements are known, required, and single or arrays as defined", "[fhir][json]") {
  CHECK(fault(R"({"resourceType":"Task"})") == "Task.status: Task must have 'status'\nTask.intent: Task must have 'intent'");
  CHECK(fault(R"({"resourceType":"Task","status":5,"intent":"order"})") == "Task.status: must be a string (code), not a number");
  CHECK(fault(task(R"("colour":"red")")) == "Task.colour: Task has no element 'colour'");
  CHECK(fault(task(R"("input":[{"type":{"text":"a"},"valueString":"b"},{"type":{"txt":"a"},"valueString":"b"}])")) ==
        "Task.input[1].type.txt: CodeableConcept has no element 'txt'");
  CHECK(fault(task(R"("input":[{"valueString":"b"}])")) == "Task.input[0].type: Task.input must have 'type'");
  CHECK(fault(task(R"("input":[{"type":{"text":"a"}}])")) == "Task.input[0].value[x]: Task.input must have 'value[x]'");
  CHECK(fault(task(R"("input":{"type":{"text":"a"},"valueString":"b"})")) ==
        "Task.input: must be an array, because it may repeat, not an object");
  CHECK(fault(task(R"("description":["a"])")) == "Task.description: must be a single value, not an array");
  CHECK(fault(task(R"("note":[])")) == "Task.note: is an empty array; leave the element out");
  CHECK(fault(task(R"("code":{})")) == "Task.code: is an empty object; leave the element out");
  CHECK(fault(task(R"("code":{"id":"1"})")) == "Task.code: has only an id; an element needs a value or children");
  CHECK(fault(task(R"("code":null)")) == "Task.code: null is not allowed here; leave the element out");
  CHECK(fault(task(R"("code":"x")")) == "Task.code: must be an object (CodeableConcept), not a string");
  CHECK(fault(task(R"("description":"")")) == "Task.description: the string is empty; leave the element out instead");
  CHECK(fault(task(R"("input":[{"type":{"text":"a"},"valueString":"b","valueInteger":1}])")) ==
        "Task.input[0].valueInteger: only one of the variants of value[x] may be present, but both 'valueString' and 'valueInteger' are");
}

TEST_CASE("primitive siblings and null padding", "[fhir][json]") {
  CHECK(fault(R"({"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}]}]})")
            .empty());
  CHECK(fault(R"({"resourceType":"Patient","name":[{"_given":[{"extension":[{"url":"u","valueCode":"x"}]}]}]})").empty());
  CHECK(fault(R"({"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}})").empty());
  CHECK(fault(R"({"resourceType":"Task","_status":{"extension":[{"url":"u","valueCode":"x"}]},"intent":"order"})").empty());
  CHECK(fault(R"({"resourceType":"Patient","birthDate":"2000","_birthDate":{"id":"x"},"name":[{"given":["a"],"_given":[{"id":"y"}]}]})")
            .empty());
  CHECK(fault(R"({"resourceType":"Patient","_birthDate":{"id":"x"}})") ==
        "Patient.birthDate: has only an id; an element needs a value or children");
  CHECK(fault(R"({"resourceType":"Patient","name":[{"given":["a",null]}]})") ==
        "Patient.name[0].given[1]: null needs an object at the same place of '_given'");
  CHECK(fault(R"({"resourceType":"Patient","name":[{"_given":[null]}]})") ==
        "Patient.name[0].given[0]: null in '_given' needs a value at the same place of 'given'");
  CHECK(fault(R"({"resourceType":"Patient","_birthDate":"x"})") ==
        "Patient.birthDate: the id and extensions of a primitive must be an object, not a string");
  CHECK(fault(R"({"resourceType":"Patient","_birthDate":{"url":"x"}})") == "Patient.birthDate.url: Element has no element 'url'");
  CHECK(fault(R"({"resourceType":"Patient","_name":[{}]})") == "Patient._name: Patient has no element '_name'");
  CHECK(fault(R"({"resourceType":"Patient","extension":[{"url":"u","_url":{"id":"a"},"valueCode":"x"}]})") ==
        "Patient.extension[0]._url: Extension has no element '_url'");
  CHECK(fault(R"({"resourceType":"Patient","extension":[{"url":"u"}]})") ==
        "Patient.extension[0]: an extension needs a value or extensions");
}

// Finds: what a Java DSF 1.x engine deploys is refused because of the comments in it.
TEST_CASE("comments as HAPI writes them are left out", "[fhir][json]") {
  const auto read = [](std::string_view text) {
    auto r = fhir::read_json(text);
    INFO(fhir::test::told(r));
    CHECK(r.ok());
    return r.resource.dump();
  };
  CHECK(read(task(R"("_status":{"fhir_comments":[" set by the engine "]},"code":{"fhir_comments":["a"],"text":"x"})")) ==
        task(R"("code":{"text":"x"})"));
  CHECK(read(R"({"resourceType":"Patient","fhir_comments":["a"],"name":[{"given":["A","B"],"_given":[null,{"fhir_comments":["b"]}]}]})") ==
        R"({"resourceType":"Patient","name":[{"given":["A","B"]}]})");
  CHECK(
      read(
          R"({"resourceType":"Patient","name":[{"given":["A","B"],"_given":[{"id":"x","fhir_comments":["b"]},{"fhir_comments":["b"]}]}]})") ==
      R"({"resourceType":"Patient","name":[{"given":["A","B"],"_given":[{"id":"x"},null]}]})");
  CHECK(
      read(
          R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","_active":{"fhir_comments":["c"]},"active":true}}]})") ==
      R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","active":true}}]})");
  // Nothing else is: neither another form of the member, nor what was empty before.
  CHECK(fault(R"({"resourceType":"Patient","fhir_comments":"a"})") == "Patient.fhir_comments: Patient has no element 'fhir_comments'");
  CHECK(fault(R"({"resourceType":"Patient","fhir_comments":["a"],"_active":{}})") != "");
}

TEST_CASE("primitive values follow the lexical rules", "[fhir][json]") {
  CHECK(fault(task(R"("authoredOn":"2026-02-30")")) ==
        "Task.authoredOn: '2026-02-30' is not a dateTime (a date, or YYYY-MM-DDThh:mm:ss with Z or an offset such as +01:00)");
  CHECK(fault(task(R"("authoredOn":"2024-02-29T23:59:60.123+14:00")")).empty());
  CHECK_FALSE(fault(task(R"("authoredOn":"2024-02-29T23:59")")).empty());
  CHECK_FALSE(fault(task(R"("authoredOn":"2024-02-29T23:59:00")")).empty());
  CHECK_FALSE(fault(task(R"("authoredOn":"2024-2-9")")).empty());
  CHECK_FALSE(fault(task(R"("authoredOn":"0000")")).empty());
  CHECK(fault(R"({"resourceType":"Patient","birthDate":"1970-13"})") ==
        "Patient.birthDate: '1970-13' is not a date (YYYY, YYYY-MM or YYYY-MM-DD)");
  CHECK(fault(R"({"resourceType":"Patient","active":"true"})") == "Patient.active: must be true or false, not the string 'true'");
  CHECK(fault(R"({"resourceType":"Patient","multipleBirthInteger":2.5})") ==
        "Patient.multipleBirthInteger: '2.5' is not an integer of 32 bits");
  CHECK(fault(R"({"resourceType":"Patient","multipleBirthInteger":2147483648})") ==
        "Patient.multipleBirthInteger: '2147483648' is not an integer of 32 bits");
  CHECK(fault(R"({"resourceType":"Patient","multipleBirthInteger":"2"})") ==
        "Patient.multipleBirthInteger: must be a number (integer), not the string '2'");
  CHECK(fault(R"({"resourceType":"Patient","id":"a b"})") == "Patient.id: 'a b' is not an id (1 to 64 of A-Z, a-z, 0-9, '-' and '.')");
  CHECK(fault(R"({"resourceType":"Patient","implicitRules":"a b"})") == "Patient.implicitRules: 'a b' is not a URI: it contains a blank");
  CHECK(fault(R"({"resourceType":"Patient","language":" de"})") ==
        "Patient.language: ' de' is not a code (no blanks at the ends, single blanks inside)");
  CHECK(fault(R"({"resourceType":"Binary","contentType":"a/b","data":"QUI"})") == "Binary.data: 'QUI' is not base64");
  CHECK(fault(R"({"resourceType":"Binary","contentType":"a/b","data":"QU JD\n"})").empty());
  CHECK(fault(task(R"("restriction":{"repetitions":0})")) == "Task.restriction.repetitions: '0' is not a positiveInt (1 to 2147483647)");
  CHECK(fault(task(R"("description":"a\u0000b")")).ends_with("contains a control character or a code point that XML can't carry"));
  CHECK(fault(task(R"("description":"a\uffffb")")).ends_with("contains a control character or a code point that XML can't carry"));
  CHECK(fault(task(R"("description":")" + std::string(1048577, 'x') + "\"")) ==
        "Task.description: '" + std::string(60, 'x') + "...' is longer than 1048576 bytes");
}

TEST_CASE("decimals keep their digits", "[fhir][json]") {
  const auto read = fhir::read_json(task(R"("input":[{"type":{"text":"a"},"valueDecimal":1.500000000000000000001000}])"));
  REQUIRE(read.ok());
  CHECK(read.resource["input"][0]["valueDecimal"].if_number()->text == "1.500000000000000000001000");
}

TEST_CASE("codes of required bindings are checked", "[fhir][json]") {
  CHECK(
      fault(R"({"resourceType":"Task","status":"runnning","intent":"order"})") ==
      "Task.status: 'runnning' is not one of accepted, cancelled, completed, draft, entered-in-error, failed, in-progress, on-hold, ready, "
      "received, rejected, requested");
  CHECK(fault(R"({"resourceType":"Patient","language":"tlh"})").empty());  // preferred only
  const auto measure = [](std::string_view notation) {
    return fault(R"({"resourceType":"Measure","status":"draft","improvementNotation":)" + std::string(notation) + "}");
  };
  CHECK(
      measure(
          R"({"coding":[{"system":"http://x","code":"y"},{"system":"http://terminology.hl7.org/CodeSystem/measure-improvement-notation","code":"increase"}]})")
          .empty());
  CHECK(measure(R"({"coding":[{"system":"http://x","code":"increase"}]})") ==
        "Measure.improvementNotation: has no coding of the value set http://hl7.org/fhir/ValueSet/measure-improvement-notation: decrease, "
        "increase");
  CHECK(!measure(R"({"text":"more"})").empty());
  CHECK(fault(R"({"resourceType":"Subscription","status":"active","reason":"r","criteria":"Task","channel":{"type":"fax"}})") ==
        "Subscription.channel.type: 'fax' is not one of email, message, rest-hook, sms, websocket");
}

TEST_CASE("resources within resources are checked along their own path", "[fhir][json]") {
  CHECK(fault(task(R"("contained":[{"resourceType":"Patient","gender":"x"}])")) ==
        "Task.contained[0].gender: 'x' is not one of female, male, other, unknown");
  CHECK(fault(task(R"("contained":[{"id":"1"}])")) == "Task.contained[0]: the resource has no 'resourceType'");
  CHECK(fault(task(R"("contained":[{"resourceType":"Patient","contained":[{"resourceType":"Patient"}]}])")) ==
        "Task.contained[0].contained: a contained resource can't contain resources itself");
  CHECK(fault(R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Task","status":"draft","intent":"order"}},
                {"resource":{"resourceType":"Task","status":"draft"}}]})") == "Bundle.entry[1].resource.intent: Task must have 'intent'");
}

TEST_CASE("narrative is XHTML without active content", "[fhir][json]") {
  const auto narrative = [](std::string_view div) {
    return fault(R"({"resourceType":"Patient","text":{"status":"generated","div":")" + std::string(div) + "\"}}");
  };
  const std::string open = R"(<div xmlns=\"http://www.w3.org/1999/xhtml\">)";
  const std::string at = "Patient.text.div: the narrative ";
  CHECK(narrative(open + "<p>a<br/><b>c</b></p></div>").empty());
  CHECK(narrative(open + "<script>alert(1)</script></div>") == at + "has the element <script>, which is not allowed");
  CHECK(narrative(open + R"(<p onclick=\"a()\">x</p></div>)") == at + "has the event attribute 'onclick', which is not allowed");
  CHECK(narrative(open + R"(<a href=\" java&#x0A;script:a()\">x</a></div>)") == at + "has active content in the attribute 'href'");
  CHECK(narrative("<div>x</div>") == at + "must declare xmlns=\"http://www.w3.org/1999/xhtml\" on its <div>");
  CHECK(narrative(open + "<p>x</div>").starts_with(at + "is not well-formed XHTML"));
  CHECK(narrative(open + "a</div><div>b</div>").starts_with(at + "is not well-formed XHTML: a second root element"));
  CHECK(narrative(open + "&nbsp;</div>").starts_with(at + "is not well-formed XHTML: the entity &nbsp; is not known"));
  CHECK(narrative("text").starts_with(at + "is not well-formed XHTML: text outside of the root element"));
}
