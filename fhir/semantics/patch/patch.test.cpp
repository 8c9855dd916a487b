// JSON Patch and FHIRPath Patch. Faults these find: an operation that does something else than RFC 6902 or R4 fhirpatch.html say; a patch that gets past a
// rule of updates, or whose answer tells of content that the caller may not read.
#include "fhir/semantics/patch/fhirpath_patch.hpp"
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

struct row {
  const char *document, *patch, *expected;  // expected: the result, or the status of the fault
};

std::string run_json(const row& r) {
  const auto out = apply_json_patch(parsed(r.document), parsed(r.patch));
  return out ? out->dump() : std::to_string(out.error().status);
}

std::string parameters_of_patch(std::string_view parts) {
  return fmt::format(R"({{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[{}]}}]}})", parts);
}
std::string step(std::string_view type, std::string_view path, std::string_view more = {}) {
  return fmt::format(R"({{"name":"type","valueCode":"{}"}},{{"name":"path","valueString":"{}"}}{})", type, path, more);
}
std::string run_path(std::string_view document, const std::string& parts) {
  const auto out = apply_fhirpath_patch(parsed(document), parsed(parameters_of_patch(parts)));
  return out ? out->dump() : std::to_string(out.error().status);
}

}  // namespace

TEST_CASE("JSON Patch: each operation, at each kind of place", "[patch]") {
  const row rows[] = {
      {R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"add","path":"/a","value":2}])", R"({"a":2})"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])", R"({"a":[1,2,3]})"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/-","value":4}])", R"({"a":[1,3,4]})"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/2","value":4}])", R"({"a":[1,3,4]})"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/3","value":4}])", "422"},
      {R"({"a":[1,3]})", R"([{"op":"add","path":"/a/01","value":4}])", "422"},
      {R"({"a":1})", R"([{"op":"add","path":"/b/c","value":4}])", "422"},
      {R"({"a":1})", R"([{"op":"remove","path":"/a"}])", R"({})"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/0"}])", R"({"a":[2]})"},
      {R"({"a":1})", R"([{"op":"remove","path":"/b"}])", "422"},
      {R"({"a":1})", R"([{"op":"replace","path":"/a","value":[2]}])", R"({"a":[2]})"},
      {R"({"a":1})", R"([{"op":"replace","path":"/b","value":2}])", "422"},
      {R"({"a":{"b":1},"c":{}})", R"([{"op":"move","from":"/a/b","path":"/c/d"}])", R"({"a":{},"c":{"d":1}})"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", "422"},
      {R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a/b","path":"/c"}])", R"({"a":{"b":1},"c":1})"},
      {R"({"a/b":1,"~":2})", R"([{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/~0"}])", R"({})"},
      {R"({"a":1})", R"([{"op":"remove","path":"/~2"}])", "400"},
      {R"({"a":1})", R"([{"op":"remove","path":"a"}])", "400"},
      {R"({"a":{"x":1,"y":[2]}})", R"([{"op":"test","path":"/a","value":{"y":[2],"x":1}}])", R"({"a":{"x":1,"y":[2]}})"},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":"1"}])", "422"},
      {R"({"a":1})", R"([{"op":"swap","path":"/a"}])", "400"},
      {R"({"a":1})", R"([{"op":"add","path":"/a"}])", "400"},
      {R"({"a":1})", R"({"op":"remove","path":"/a"})", "400"},
  };
  for (const auto& r : rows) {
    INFO(r.document << " " << r.patch);
    CHECK(run_json(r) == r.expected);
  }
  // What copies itself over and over stays small.
  json twice = parsed(R"({"op":"copy","from":"/a","path":"/a/-"})"), patch(json::array{});
  for (int i = 0; i < 100; ++i) patch.push_back(twice);
  const auto grown = apply_json_patch(parsed(R"({"a":["0123456789"]})"), patch);
  REQUIRE_FALSE(grown);
  CHECK(grown.error().status == 422);
}

TEST_CASE("FHIRPath Patch: each operation", "[patch]") {
  const auto person = R"({"resourceType":"Patient","active":true,"name":[{"family":"A"},{"family":"B"},{"family":"C"}]})";
  const auto part = [](std::string_view name, std::string_view value) { return fmt::format(R"(,{{"name":"{}",{}}})", name, value); };
  const auto names = [&](const std::string& parts) {
    const auto out = run_path(person, parts);
    if (out.size() == 3) return out;
    std::string families;
    const auto result = parsed(out);
    for (const auto& n : result["name"]) families += n["family"].str();
    return families;
  };
  CHECK(
      run_path(person, step("add", "Patient", part("name", R"("valueString":"birthDate")") + part("value", R"("valueDate":"1990-01-01")")))
          .find(R"("birthDate":"1990-01-01")") != std::string::npos);
  CHECK(names(step("add", "Patient", part("name", R"("valueString":"name")") + part("value", R"("valueHumanName":{"family":"D"})"))) ==
        "ABCD");
  CHECK(run_path(person, step("add", "Patient", part("name", R"("valueString":"deceased")") + part("value", R"("valueBoolean":false)")))
            .find(R"("deceasedBoolean":false)") != std::string::npos);
  CHECK(run_path(person, step("add", "Patient", part("name", R"("valueString":"active")") + part("value", R"("valueBoolean":false)"))) ==
        "422");
  CHECK(run_path(person, step("add", "Patient", part("name", R"("valueString":"colour")") + part("value", R"("valueString":"red")"))) ==
        "422");
  const auto contact =
      R"(,{"name":"value","part":[{"name":"name","valueHumanName":{"family":"K"}},{"name":"telecom","part":[{"name":"value","valueString":"1"}]}]})";
  CHECK(run_path(person, step("add", "Patient", part("name", R"("valueString":"contact")") + contact))
            .find(R"("contact":[{"name":{"family":"K"},"telecom":[{"value":"1"}]}])") != std::string::npos);
  CHECK(names(step("insert", "Patient.name", part("index", R"("valueInteger":1)") + part("value", R"("valueHumanName":{"family":"X"})"))) ==
        "AXBC");
  CHECK(names(step("insert", "Patient.name", part("index", R"("valueInteger":4)") + part("value", R"("valueHumanName":{"family":"X"})"))) ==
        "422");
  CHECK(names(step("delete", "Patient.name[1]")) == "AC");
  CHECK(names(step("delete", "Patient.name[7]")) == "ABC");
  CHECK(names(step("delete", "Patient.name")) == "422");
  CHECK(run_path(R"({"resourceType":"Patient","name":[{"family":"A"}]})", step("delete", "Patient.name")) ==
        R"({"resourceType":"Patient"})");
  CHECK(names(step("replace", "Patient.name.where(family = 'B').family", part("value", R"("valueString":"Y")"))) == "AYC");
  CHECK(names(step("replace", "Patient.photo", part("value", R"("valueString":"Y")"))) == "422");
  CHECK(names(step("move", "Patient.name", part("source", R"("valueInteger":2)") + part("destination", R"("valueInteger":0)"))) == "CAB");
  CHECK(names(step("move", "Patient.name", part("source", R"("valueInteger":3)") + part("destination", R"("valueInteger":0)"))) == "422");
  CHECK(names(step("replace", "Patient.name.", part("value", R"("valueString":"Y")"))) == "400");
  CHECK(names(step("replace", "1 + 1", part("value", R"("valueString":"Y")"))) == "422");
  CHECK(names(step("twist", "Patient.name")) == "400");
  CHECK_FALSE(apply_fhirpath_patch(parsed(person), parsed(R"({"resourceType":"Patient"})")));
}

TEST_CASE("a patch is an update: rights, If-Match, validation, versions", "[patch]") {
  test_site site;
  const auto id = site.store(fmt::format(
      R"({{"resourceType":"Group",{},"identifier":[{{"value":"secret"}}],"type":"person","actual":false}})", test_site::tag("LOCAL")));
  const auto patch = [&](const identity& who, std::string body, std::string type = "application/json-patch+json",
                         std::string if_match = {}) {
    interaction_request r{.method = http_method::patch, .path = "Group/" + id, .body = std::move(body)};
    r.content_type = std::move(type);
    if (!if_match.empty()) r.if_match = if_match;
    return site.send(who, r);
  };
  const auto name = [](std::string_view text) { return fmt::format(R"([{{"op":"add","path":"/name","value":"{}"}}])", text); };
  CHECK(patch(site.local, name("one"), "application/json-patch+json", "W/\"7\"").status() == 412);
  const auto done = patch(site.local, name("one"), "application/json-patch+json; charset=UTF-8", "W/\"1\"");
  CHECK(done.status() == 200);
  CHECK(done.header("ETag") == "W/\"2\"");
  CHECK(site.get(site.local, "Group/" + id).body()["name"].str() == "one");
  CHECK(patch(site.local, parameters_of_patch(step("replace", "Group.name", R"(,{"name":"value","valueString":"two"})")),
              "application/fhir+json")
            .status() == 200);
  CHECK(site.get(site.local, "Group/" + id).body()["name"].str() == "two");
  // A remote site learns nothing: right and wrong guesses are refused alike.
  const auto guess = [&](const identity& who, std::string_view value) {
    return patch(who, fmt::format(R"([{{"op":"test","path":"/identifier/0/value","value":"{}"}}])", value));
  };
  CHECK(guess(site.local, "secret").status() == 200);
  CHECK(guess(site.local, "wrong").status() == 422);
  CHECK(guess(site.remote_b, "secret").status() == 403);
  CHECK(guess(site.remote_b, "wrong").status() == 403);
  auto reader = site.local;
  reader.roles = {{operation::read, {}}};
  CHECK(guess(reader, "wrong").status() == 403);
  // Rules of updates.
  CHECK(patch(site.local, R"([{"op":"remove","path":"/meta/tag"}])").status() == 403);
  CHECK(patch(site.local, R"([{"op":"add","path":"/colour","value":"red"}])").status() == 403);
  CHECK(patch(site.local, R"([{"op":"replace","path":"/id","value":"x"}])").status() == 422);
  CHECK(patch(site.local, R"([{"op":"replace","path":"","value":[]}])").status() == 422);
  CHECK(patch(site.local, R"({})").status() == 400);
  CHECK(patch(site.local, R"([)").status() == 400);
  CHECK(patch(site.local, name("x"), "text/plain").status() == 415);
  interaction_request other{.method = http_method::patch, .path = "Group/" + site.parent, .body = name("x")};
  other.content_type = "application/json-patch+json";
  CHECK(site.send(site.local, other).status() == 405);
}
