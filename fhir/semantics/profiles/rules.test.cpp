// Would find: a rule of a profile that is not checked, or checked at the wrong place (dsf-fhir-server 4.5; R4 profiling.html).
#include "fhir/semantics/profiles/canonicals.hpp"
#include "fhir/semantics/profiles/codes.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

std::string definition(std::string_view name, std::string_view type, std::string_view elements, std::string_view more = "") {
  return fmt::format(R"({{"resourceType":"StructureDefinition",{},"url":"http://x.example/{}","version":"1.0","name":"x","status":"active",
    "date":"2026-01-01","kind":"resource","abstract":false,"type":"{}","baseDefinition":"http://hl7.org/fhir/StructureDefinition/{}",
    "derivation":"constraint"{},"differential":{{"element":[{}]}}}})",
                     test_site::tag("ALL"), name, type, type, more, elements);
}

// "path: text" of each fault, one a line.
std::string faults(const json& resource, const conformance_cache& conformance) {
  std::string out;
  for (const auto& i : check_profiles(resource, conformance)) out += fmt::format("{} {}: {}\n", i.severity, i.expression, i.text);
  return out;
}

struct row {
  const char* name;
  const char* type;
  const char* elements;  // of the profile's differential
  const char* resource;  // members of the resource
  const char* fault;     // what must be said; empty: nothing
};

}  // namespace

TEST_CASE("each rule of a profile, kept and broken", "[profile]") {
  const std::vector<row> rows = {
      {"min", "Patient", R"({"id":"Patient.name","path":"Patient.name","min":1})", R"("active":true)",
       "error Patient.name: Patient.name: minimum required = 1, but only found 0"},
      {"max 0", "Patient", R"({"id":"Patient.active","path":"Patient.active","max":"0"})", R"("active":true)",
       "error Patient.active: Patient.active: max allowed = 0, but found 1"},
      {"below an element that is not there", "Patient", R"({"id":"Patient.name.family","path":"Patient.name.family","min":1})",
       R"("active":true)", ""},
      {"below each value", "Patient", R"({"id":"Patient.name.family","path":"Patient.name.family","min":1})",
       R"("name":[{"family":"a"},{"text":"b"}])", "error Patient.name[1].family: "},
      {"fixed", "Patient", R"({"id":"Patient.gender","path":"Patient.gender","fixedCode":"other"})", R"("gender":"male")",
       "error Patient.gender: Patient.gender: Value is 'male' but must be 'other'"},
      {"pattern kept", "Patient",
       R"({"id":"Patient.maritalStatus","path":"Patient.maritalStatus","patternCodeableConcept":{"coding":[{"code":"M"}]}})",
       R"("maritalStatus":{"coding":[{"system":"s","code":"x"},{"system":"s","code":"M"}]})", ""},
      {"pattern broken", "Patient",
       R"({"id":"Patient.maritalStatus","path":"Patient.maritalStatus","patternCodeableConcept":{"coding":[{"code":"M"}]}})",
       R"("maritalStatus":{"coding":[{"code":"S"}]})", "error Patient.maritalStatus: "},
      {"maxLength counts characters", "Patient", R"({"id":"Patient.name.text","path":"Patient.name.text","maxLength":3})",
       "\"name\":[{\"text\":\"\xC3\xA4\xC3\xB6\xC3\xBC\"},{\"text\":\"abcd\"}]",
       "error Patient.name[1].text: Patient.name.text: has 4 characters"},
      {"minValue of a date", "Patient", R"({"id":"Patient.birthDate","path":"Patient.birthDate","minValueDate":"1900-01-01"})",
       R"("birthDate":"1899-12-31")", "error Patient.birthDate: "},
      {"maxValue of a number", "Patient",
       R"({"id":"Patient.multipleBirth[x]","path":"Patient.multipleBirth[x]","type":[{"code":"integer"}],"maxValueInteger":9})",
       R"("multipleBirthInteger":10)", "error Patient.multipleBirthInteger: Patient.multipleBirth[x]: 10 is more than the maximum 9"},
      {"type of a choice", "Patient", R"({"id":"Patient.deceased[x]","path":"Patient.deceased[x]","type":[{"code":"boolean"}]})",
       R"("deceasedDateTime":"2020")", "error Patient.deceasedDateTime: "},
      {"a variant by its own name", "Patient", R"({"id":"Patient.deceasedBoolean","path":"Patient.deceasedBoolean","fixedBoolean":false})",
       R"("deceasedBoolean":true)",
       "error Patient.deceasedBoolean: Patient.deceased[x]:deceasedBoolean: Value is 'true' but must be 'false'"},
      {"a variant by its own name leaves no other", "Patient",
       R"({"id":"Patient.deceasedBoolean","path":"Patient.deceasedBoolean","fixedBoolean":false})", R"("deceasedDateTime":"2020")",
       "error Patient.deceasedDateTime: Patient.deceased[x]: the type dateTime is not allowed here"},
      {"ids that contradict their paths do not count", "Patient", R"({"id":"Patient.name.x","path":"Patient.name.family","min":1})",
       R"("name":[{"text":"b"}])", "error Patient.name[0].family: "},
      {"a slice of a choice by type", "Patient",
       R"({"id":"Patient.deceased[x]:deceasedBoolean","path":"Patient.deceased[x]","sliceName":"deceasedBoolean","min":1})",
       R"("deceasedDateTime":"2020")", "error Patient.deceased: Patient.deceased[x]:deceasedBoolean: minimum required = 1"},
      {"target of a reference", "Patient",
       R"({"id":"Patient.managingOrganization","path":"Patient.managingOrganization","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]})",
       R"("managingOrganization":{"reference":"https://a/fhir/Practitioner/1"})", "refers to a Practitioner; Organization is allowed"},
      {"target that is contained", "Patient",
       R"({"id":"Patient.generalPractitioner","path":"Patient.generalPractitioner","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Practitioner"]}]})",
       R"("contained":[{"resourceType":"Organization","id":"o"}],"generalPractitioner":[{"reference":"#o"}])",
       "error Patient.generalPractitioner[0]: Patient.generalPractitioner: refers to a Organization"},
      {"closed slicing", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"closed"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"},
          {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","min":1,"fixedUri":"http://a"})",
       R"("identifier":[{"system":"http://a","value":"1"},{"system":"http://b","value":"2"}])",
       "error Patient.identifier[1]: Patient.identifier: matches no slice"},
      {"the rest of closed slicing", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"closed"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"},
          {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","min":1,"fixedUri":"http://a"},
          {"id":"Patient.identifier:@default","path":"Patient.identifier","sliceName":"@default"},
          {"id":"Patient.identifier:@default.value","path":"Patient.identifier.value","min":1})",
       R"("identifier":[{"system":"http://b"}])",
       "error Patient.identifier[0].value: Patient.identifier:@default.value: minimum required = 1"},
      {"ordered slices", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open","ordered":true}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"},
          {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","fixedUri":"http://a"},
          {"id":"Patient.identifier:b","path":"Patient.identifier","sliceName":"b"},
          {"id":"Patient.identifier:b.system","path":"Patient.identifier.system","fixedUri":"http://b"})",
       R"("identifier":[{"system":"http://b"},{"system":"http://a"}])",
       "error Patient.identifier[1]: Patient.identifier: slice a must stand before slice b"},
      {"open at end is told", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"openAtEnd"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"},
          {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","fixedUri":"http://a"})",
       R"("identifier":[{"system":"http://b"},{"system":"http://a"}])", "warning Patient.identifier[1]: "},
      {"re-slices", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a","slicing":{"discriminator":[{"type":"value","path":"use"}],"rules":"open"}},
          {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","fixedUri":"http://a"},
          {"id":"Patient.identifier:a/old","path":"Patient.identifier","sliceName":"a/old","max":"1"},
          {"id":"Patient.identifier:a/old.use","path":"Patient.identifier.use","fixedCode":"old"})",
       R"("identifier":[{"system":"http://a","use":"old"},{"system":"http://b","use":"old"},{"system":"http://a","use":"old"}])",
       "error Patient.identifier: Patient.identifier:a/old: max allowed = 1, but found 2"},
      {"slices by existence", "Patient",
       R"({"id":"Patient.name","path":"Patient.name","slicing":{"discriminator":[{"type":"exists","path":"period"}],"rules":"open"}},
          {"id":"Patient.name:past","path":"Patient.name","sliceName":"past","max":"0"},
          {"id":"Patient.name:past.period","path":"Patient.name.period","min":1})",
       R"("name":[{"text":"a"},{"text":"b","period":{"end":"2020"}}])",
       "error Patient.name: Patient.name:past: max allowed = 0, but found 1"},
      {"slices by the type of a target", "Patient",
       R"_({"id":"Patient.generalPractitioner","path":"Patient.generalPractitioner","slicing":{"discriminator":[{"type":"type","path":"resolve()"}],"rules":"open"}},
          {"id":"Patient.generalPractitioner:o","path":"Patient.generalPractitioner","sliceName":"o","max":"1",
           "type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]})_",
       R"("generalPractitioner":[{"reference":"Organization/1"},{"reference":"Practitioner/1"},{"reference":"Organization/2"}])",
       "error Patient.generalPractitioner: Patient.generalPractitioner:o: max allowed = 1, but found 2"},
      {"slices by profile", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"profile","path":"$this"}],"rules":"open"}},
          {"id":"Patient.identifier:full","path":"Patient.identifier","sliceName":"full","max":"1","type":[{"code":"Identifier","profile":["http://x.example/full"]}]})",
       R"("identifier":[{"system":"http://a","value":"1"},{"value":"2"},{"system":"http://b","value":"2"}])",
       "error Patient.identifier: Patient.identifier:full: max allowed = 1, but found 2"},
      {"slices by an extension", "Patient",
       R"({"id":"Patient.name","path":"Patient.name","slicing":{"discriminator":[{"type":"value","path":"extension('http://y.example/k').value"}],"rules":"open"}},
          {"id":"Patient.name:k","path":"Patient.name","sliceName":"k","max":"0"},
          {"id":"Patient.name:k.extension:e","path":"Patient.name.extension","sliceName":"e"},
          {"id":"Patient.name:k.extension:e.url","path":"Patient.name.extension.url","fixedUri":"http://y.example/k"},
          {"id":"Patient.name:k.extension:e.value[x]","path":"Patient.name.extension.value[x]","fixedString":"v"})",
       R"("name":[{"text":"a","extension":[{"url":"http://y.example/k","valueString":"w"}]},{"text":"b","extension":[{"url":"http://y.example/k","valueString":"v"}]}])",
       "error Patient.name: Patient.name:k: max allowed = 0, but found 1"},
      {"profile of a type", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","type":[{"code":"Identifier","profile":["http://x.example/full"]}]})",
       R"("identifier":[{"system":"http://a"}])", "error Patient.identifier[0].value: Identifier.value: minimum required = 1"},
      {"required binding of a code", "Patient",
       R"({"id":"Patient.language","path":"Patient.language","binding":{"strength":"required","valueSet":"http://x.example/vs"}})",
       R"("language":"c")", "error Patient.language: Patient.language: 'c' is not in the value set http://x.example/vs"},
      {"required binding of a concept", "Patient",
       R"({"id":"Patient.maritalStatus","path":"Patient.maritalStatus","binding":{"strength":"required","valueSet":"http://x.example/vs|1.0"}})",
       R"("maritalStatus":{"coding":[{"system":"http://other","code":"a"}]})", "error Patient.maritalStatus: "},
      {"a value set that is not known binds nothing", "Patient",
       R"({"id":"Patient.maritalStatus","path":"Patient.maritalStatus","binding":{"strength":"required","valueSet":"http://x.example/unknown"}})",
       R"("maritalStatus":{"text":"x"})", ""},
      {"known extension", "Patient", "", R"("extension":[{"url":"http://x.example/ext","valueBoolean":true}])",
       "error Patient.extension[0].valueBoolean: Extension.value[x]: the type boolean is not allowed here; use string"},
      {"extension at the wrong place", "Patient", "",
       R"("name":[{"text":"a","extension":[{"url":"http://x.example/ext","valueString":"a"}]}])",
       "error Patient.name[0].extension[0]: Extension: the extension http://x.example/ext may only stand on Patient"},
      {"extension of a primitive", "Patient", "",
       R"("gender":"male","_gender":{"extension":[{"url":"http://x.example/ext","valueString":"a"}]})",
       "error Patient._gender.extension[0]: "},
      {"unknown extension", "Patient", "", R"("extension":[{"url":"http://z.example/none","valueBoolean":true}])", ""},
      {"unknown modifier extension", "Patient", "", R"("modifierExtension":[{"url":"http://z.example/none","valueBoolean":true}])",
       "error Patient.modifierExtension[0]: the modifier extension 'http://z.example/none' is not known here"},
      {"no element of R4", "Patient", R"({"id":"Patient.nothing","path":"Patient.nothing","min":1})", R"("active":true)",
       "http://x.example/p|1.0#Patient.nothing: Patient has no element 'nothing'"},
      {"a slice that can't be told apart", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"})",
       R"("active":true)", "http://x.example/p|1.0#Patient.identifier:a: the slice says nothing of 'system'"},
      {"slices without slicing", "Patient", R"({"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"})",
       R"("active":true)", "names the slice 'a' of Patient.identifier, which is not sliced"},
      {"min above max", "Patient", R"({"id":"Patient.name","path":"Patient.name","min":2,"max":"1"})", R"("active":true)",
       "#Patient.name: min 2 is more than max 1"},
      {"type that the base does not have", "Patient",
       R"({"id":"Patient.deceased[x]","path":"Patient.deceased[x]","type":[{"code":"string"}]})", R"("active":true)",
       "#Patient.deceased[x]: type string is not among those of the base"},
  };
  test_site site;
  site.store(definition(
      "full", "Identifier",
      R"({"id":"Identifier.system","path":"Identifier.system","min":1},{"id":"Identifier.value","path":"Identifier.value","min":1})"));
  site.store(definition("ext", "Extension",
                        R"({"id":"Extension.url","path":"Extension.url","fixedUri":"http://x.example/ext"},
                           {"id":"Extension.value[x]","path":"Extension.value[x]","min":1,"type":[{"code":"string"}]})",
                        R"(,"context":[{"type":"element","expression":"Patient"}])"));
  site.store(fmt::format(
      R"({{"resourceType":"ValueSet",{},"url":"http://x.example/vs","version":"1.0","name":"vs","status":"active","date":"2026-01-01",
    "compose":{{"include":[{{"system":"http://x.example/cs","concept":[{{"code":"a"}},{{"code":"b"}}]}}]}}}})",
      test_site::tag("ALL")));
  for (const auto& r : rows) {
    INFO(r.name);
    const std::string elements = *r.elements ? r.elements : R"({"id":"Patient","path":"Patient"})";
    const auto id = site.store(definition("p", r.type, elements));
    const auto said =
        faults(parsed(fmt::format(R"({{"resourceType":"{}","meta":{{"profile":["http://x.example/p"]}},{}}})", r.type, r.resource)),
               *site.conformance);
    INFO(said);
    CHECK(said.empty() == (*r.fault == 0));
    CHECK(said.find(r.fault) != std::string::npos);
    REQUIRE(site.remove(site.local, "StructureDefinition/" + id).status() == 200);
  }
}

TEST_CASE("value sets are listed by their composition", "[profile]") {
  canonical_map systems, sets;
  systems.add(parsed(
      R"({"url":"http://cs","version":"1","content":"complete","concept":[{"code":"a","concept":[{"code":"a1","concept":[{"code":"a2"}]}]},
    {"code":"b","property":[{"code":"status","valueCode":"old"}]}]})"));
  systems.add(parsed(R"({"url":"http://cs","version":"2","content":"complete","concept":[{"code":"new"}]})"));
  systems.add(parsed(R"({"url":"http://part","version":"1","content":"fragment","concept":[{"code":"a"}]})"));
  const auto set = [&](std::string_view url, std::string_view compose) {
    sets.add(parsed(fmt::format(R"({{"url":"{}","version":"1","compose":{}}})", url, compose)));
  };
  set("whole", R"({"include":[{"system":"http://cs","version":"1"}]})");
  set("newest", R"({"include":[{"system":"http://cs"}]})");
  set("is-a", R"({"include":[{"system":"http://cs","version":"1","filter":[{"property":"concept","op":"is-a","value":"a"}]}]})");
  set("below", R"({"include":[{"system":"http://cs","version":"1","filter":[{"property":"concept","op":"descendent-of","value":"a"}]}]})");
  set("property", R"({"include":[{"system":"http://cs","version":"1","filter":[{"property":"status","op":"=","value":"old"}]}]})");
  set("without", R"({"include":[{"valueSet":["whole"]}],"exclude":[{"system":"http://cs","concept":[{"code":"b"}]}]})");
  set("both", R"({"include":[{"valueSet":["is-a|1","without"]}]})");
  set("fragment", R"({"include":[{"system":"http://part"}]})");
  set("regex", R"({"include":[{"system":"http://cs","version":"1","filter":[{"property":"code","op":"regex","value":"a.*"}]}]})");
  set("circle", R"({"include":[{"valueSet":["circle"]}]})");
  terminology t(systems, sets);
  const auto codes = [&](std::string_view url) {
    const auto listed = t.expand(url);
    if (!listed) return std::string("unknown");
    std::vector<std::string> all;
    listed->each([&](const auto& system, const auto& code) {
      CHECK(system == "http://cs");
      all.push_back(code);
    });
    std::ranges::sort(all);
    return fmt::format("{}", fmt::join(all, " "));
  };
  CHECK(codes("whole") == "a a1 a2 b");
  CHECK(codes("newest") == "new");
  CHECK(codes("is-a") == "a a1 a2");
  CHECK(codes("below") == "a1 a2");
  CHECK(codes("property") == "b");
  CHECK(codes("without") == "a a1 a2");
  CHECK(codes("both") == "a a1 a2");
  for (const auto* url : {"fragment", "regex", "circle", "nowhere", "whole|9"}) CHECK(codes(url) == "unknown");
  REQUIRE(t.expand("http://hl7.org/fhir/ValueSet/administrative-gender"));
  CHECK(t.expand("http://hl7.org/fhir/ValueSet/administrative-gender")->contains("http://hl7.org/fhir/administrative-gender", "male"));
}
