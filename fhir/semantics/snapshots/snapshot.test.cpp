// Would find: an element of a differential that is lost, laid over the wrong element, or changes what the base demands (R4 profiling.html).
#include "fhir/semantics/snapshots/snapshot.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/conformance/bundled.hpp"
#include "fhir/model/base_snapshots.hpp"
#include "fhir/model/model.hpp"
#include "fhir/semantics/profiles/canonicals.hpp"
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

canonical_map bundled_definitions() {
  canonical_map out;
  for (const auto& text : bundled_resources()) {
    auto r = parsed(std::string(text));
    if (r["resourceType"].str() == "StructureDefinition") out.add(std::move(r));
  }
  return out;
}

definition_lookup among(const canonical_map& all) {
  return [&all](std::string_view canonical) -> dsf::base::result<const json*> { return all.find(canonical); };
}

json constraint_on(std::string_view type, std::string_view elements, std::string_view base = "", std::string_view name = "x") {
  return parsed(fmt::format(
      R"({{"resourceType":"StructureDefinition","url":"http://x.example/{}","version":"1.0","name":"x","status":"active","kind":"resource",
      "abstract":false,"type":"{}","baseDefinition":"{}","derivation":"constraint","differential":{{"element":[{}]}}}})",
      name, type, base.empty() ? "http://hl7.org/fhir/StructureDefinition/" + std::string(type) : std::string(base), elements));
}

const json* element(const json& snapshot, std::string_view id) {
  for (const auto& e : snapshot)
    if (e["id"].str() == id) return &e;
  return nullptr;
}

std::string ids_below(const json& snapshot, std::string_view prefix) {
  std::string out;
  for (const auto& e : snapshot)
    if (e["id"].str().starts_with(prefix)) out += e["id"].str() + "\n";
  return out;
}

std::string told(const std::vector<issue>& issues) {
  std::string out;
  for (const auto& i : issues) out += i.expression + ": " + i.text + "\n";
  return out;
}

struct row {
  const char* name;
  const char* type;
  const char* elements;  // of the differential
  const char* id;  // of an element of the snapshot
  const char* want;  // its members, some of them; "null": the element is not there
};

}  // namespace

TEST_CASE("snapshots: each rule of laying a differential over its base", "[snapshot]") {
  const std::vector<row> rows = {
      {"nothing said", "Patient", "", "Patient.gender", R"({"path":"Patient.gender","min":0,"max":"1"})"},
      {"cardinality", "Patient", R"({"id":"Patient.name","path":"Patient.name","min":1,"max":"2"})", "Patient.name",
       R"({"min":1,"max":"2","base":{"path":"Patient.name","min":0,"max":"*"}})"},
      {"what is not said stays", "Patient", R"({"id":"Patient.gender","path":"Patient.gender","min":1})", "Patient.gender",
       R"({"isSummary":true,"type":[{"code":"code"}]})"},
      {"a type unfolds", "Patient", R"({"id":"Patient.name.family","path":"Patient.name.family","min":1})", "Patient.name.family",
       R"({"path":"Patient.name.family","min":1,"base":{"path":"HumanName.family","min":0,"max":"1"}})"},
      {"and its other elements come along", "Patient", R"({"id":"Patient.name.family","path":"Patient.name.family","min":1})",
       "Patient.name.given", R"({"min":0,"max":"*"})"},
      {"a profile of R4 unfolds", "Observation",
       R"({"id":"Observation.referenceRange.low.value","path":"Observation.referenceRange.low.value","min":1})",
       "Observation.referenceRange.low.comparator", R"({"max":"0"})"},
      {"of several types, what they share", "Patient",
       R"({"id":"Patient.deceased[x].extension","path":"Patient.deceased[x].extension","max":"0"})", "Patient.deceased[x].extension",
       R"({"max":"0"})"},
      {"a renamed choice is a slice", "Patient",
       R"({"id":"Patient.deceasedBoolean","path":"Patient.deceasedBoolean","fixedBoolean":false})", "Patient.deceased[x]:deceasedBoolean",
       R"({"path":"Patient.deceased[x]","sliceName":"deceasedBoolean","type":[{"code":"boolean"}],"fixedBoolean":false,"max":"1"})"},
      {"and the choice is sliced by type", "Patient", R"({"id":"Patient.deceasedBoolean","path":"Patient.deceasedBoolean","min":1})",
       "Patient.deceased[x]",
       R"({"slicing":{"discriminator":[{"type":"type","path":"$this"}],"ordered":false,"rules":"closed"},"type":[{"code":"boolean"}]})"},
      {"two variants by name", "Patient",
       R"({"id":"Patient.deceasedBoolean","path":"Patient.deceasedBoolean","fixedBoolean":false},{"id":"Patient.deceasedDateTime","path":"Patient.deceasedDateTime","short":"x"})",
       "Patient.deceased[x]", R"({"type":[{"code":"boolean"},{"code":"dateTime"}]})"},
      {"a slice by type leaves the others", "Patient",
       R"({"id":"Patient.deceased[x]:deceasedBoolean","path":"Patient.deceased[x]","sliceName":"deceasedBoolean","min":1})",
       "Patient.deceased[x]", R"({"type":[{"code":"boolean"},{"code":"dateTime"}]})"},
      {"below a renamed choice", "Observation",
       R"({"id":"Observation.valueQuantity.unit","path":"Observation.valueQuantity.unit","min":1})",
       "Observation.value[x]:valueQuantity.unit", R"({"path":"Observation.value[x].unit","min":1})"},
      {"a content reference", "Questionnaire", R"({"id":"Questionnaire.item.item.text","path":"Questionnaire.item.item.text","min":1})",
       "Questionnaire.item.item.text", R"({"min":1,"base":{"path":"Questionnaire.item.text","min":0,"max":"1"}})"},
      {"which is followed no further", "Questionnaire",
       R"({"id":"Questionnaire.item.item.text","path":"Questionnaire.item.item.text","min":1})", "Questionnaire.item.item.item",
       R"({"contentReference":"#Questionnaire.item"})"},
      {"a slice begins as its whole, but need not be there", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"},"min":1,"max":"3"},
          {"id":"Patient.identifier.system","path":"Patient.identifier.system","min":1},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"})",
       "Patient.identifier:a", R"({"path":"Patient.identifier","sliceName":"a","min":0,"max":"3"})"},
      {"and may stand as often as in the base", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"},"max":"3"},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a","max":"*"})",
       "Patient.identifier:a", R"({"max":"*"})"},
      {"with the elements below", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
          {"id":"Patient.identifier.system","path":"Patient.identifier.system","min":1},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"})",
       "Patient.identifier:a.system", R"({"min":1})"},
      {"by path and name of the slice", "Patient",
       R"({"path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
          {"path":"Patient.identifier","sliceName":"a"},{"path":"Patient.identifier.system","fixedUri":"http://a"},
          {"path":"Patient.identifier","sliceName":"b"},{"path":"Patient.identifier.system","fixedUri":"http://b"})",
       "Patient.identifier:b.system", R"({"fixedUri":"http://b"})"},
      {"ids that contradict the paths do not count", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"type.coding.code"}],"rules":"open"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"},
          {"id":"Patient.identifier:a.code","path":"Patient.identifier.type.coding.code","fixedCode":"z"})",
       "Patient.identifier:a.type.coding.code", R"({"fixedCode":"z"})"},
      {"a slice of a slice", "Patient",
       R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
          {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a","slicing":{"discriminator":[{"type":"value","path":"use"}],"rules":"open"}},
          {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","fixedUri":"http://a"},
          {"id":"Patient.identifier:a/b","path":"Patient.identifier","sliceName":"a/b"},
          {"id":"Patient.identifier:a/b.use","path":"Patient.identifier.use","fixedCode":"old"})",
       "Patient.identifier:a/b.system", R"({"path":"Patient.identifier.system","fixedUri":"http://a"})"},
      {"extensions are sliced by url", "Patient",
       R"({"id":"Patient.extension:e","path":"Patient.extension","sliceName":"e","min":1,"type":[{"code":"Extension","profile":["http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint"]}]})",
       "Patient.extension", R"({"slicing":{"discriminator":[{"type":"value","path":"url"}],"ordered":false,"rules":"open"},"max":"*"})"},
      {"an extension with its profile", "Patient",
       R"({"id":"Patient.extension:e","path":"Patient.extension","sliceName":"e","type":[{"code":"Extension","profile":["http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint"]}]},
          {"id":"Patient.extension:e.id","path":"Patient.extension.id","max":"0"})",
       "Patient.extension:e.url", R"({"fixedUri":"http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint"})"},
      {"an unknown profile leaves its type", "Patient",
       R"({"id":"Patient.extension:e","path":"Patient.extension","sliceName":"e","type":[{"code":"Extension","profile":["http://x.example/none"]}]},
          {"id":"Patient.extension:e.id","path":"Patient.extension.id","max":"0"})",
       "Patient.extension:e.id", R"({"max":"0"})"},
      {"types keep their targets", "Task", R"({"id":"Task.requester","path":"Task.requester","type":[{"code":"Reference"}]})", "Task.owner",
       R"({"max":"1"})"},
      {"targets are replaced", "Patient",
       R"({"id":"Patient.managingOrganization","path":"Patient.managingOrganization","type":[{"code":"Reference","targetProfile":["http://x.example/o"]}]})",
       "Patient.managingOrganization", R"({"type":[{"code":"Reference","targetProfile":["http://x.example/o"]}]})"},
      {"targets that are not said stay", "Patient",
       R"({"id":"Patient.managingOrganization","path":"Patient.managingOrganization","type":[{"code":"Reference"}]})",
       "Patient.managingOrganization",
       R"({"type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]})"},
      {"text that goes on", "Patient", R"({"id":"Patient.gender","path":"Patient.gender","short":"s","comment":"c"})", "Patient.gender",
       R"({"short":"s","comment":"c"})"},
      {"binding", "Patient",
       R"({"id":"Patient.language","path":"Patient.language","binding":{"strength":"required","valueSet":"http://x.example/v"}})",
       "Patient.language", R"({"binding":{"strength":"required","valueSet":"http://x.example/v"}})"},
      {"a resource inside by its type", "Bundle",
       R"({"id":"Bundle.entry.resource","path":"Bundle.entry.resource","type":[{"code":"Task"}]},
          {"id":"Bundle.entry.resource.status","path":"Bundle.entry.resource.status","fixedCode":"draft"})",
       "Bundle.entry.resource.status", R"({"path":"Bundle.entry.resource.status","fixedCode":"draft","min":1})"},
      {"the resource itself", "Patient", R"({"id":"Patient","path":"Patient","short":"mine"})", "Patient", R"({"short":"mine"})"},
  };
  const auto definitions = bundled_definitions();
  for (const auto& r : rows) {
    INFO(r.name);
    const auto snapshot = make_snapshot(constraint_on(r.type, r.elements), among(definitions));
    if (!snapshot) FAIL(told(snapshot.error()));
    const auto* found = element(*snapshot, r.id);
    INFO(ids_below(*snapshot, std::string_view(r.id).substr(0, std::string_view(r.id).find_first_of(":["))));
    REQUIRE(found);
    const auto wanted = parsed(r.want);
    for (const auto& [name, value] : *wanted.if_object()) {
      INFO(name);
      CHECK((*found)[name] == value);
    }
  }
}

TEST_CASE("snapshots: constraints are merged by key, and texts go on", "[snapshot]") {
  const auto definitions = bundled_definitions();
  const auto made =
      make_snapshot(constraint_on("Patient", R"({"id":"Patient.contact","path":"Patient.contact","definition":"...more","alias":["a"],
        "constraint":[{"key":"x-1","severity":"error","human":"h","expression":"true"},{"key":"pat-1","severity":"warning","human":"mine","expression":"true"}]})"),
                    among(definitions));
  REQUIRE(made);
  const auto& contact = *element(*made, "Patient.contact");
  CHECK(contact["definition"].str().ends_with("\nmore"));
  CHECK(contact["definition"].str().size() > 10);
  std::map<std::string, json> by_key;
  for (const auto& c : contact["constraint"]) {
    CHECK(!by_key.contains(c["key"].str()));
    by_key[c["key"].str()] = c;
  }
  CHECK(by_key.contains("ele-1"));
  CHECK(by_key["x-1"]["source"].str() == "http://x.example/x");
  CHECK(by_key["pat-1"]["human"].str() == "mine");
}

TEST_CASE("snapshots: what does not fit is told with its element", "[snapshot]") {
  const auto definitions = bundled_definitions();
  const std::vector<std::array<const char*, 3>> rows = {
      {"Task", R"({"id":"Task.status","path":"Task.status","min":0})", "#Task.status: min 0 is less than 1"},
      {"Task", R"({"id":"Task.owner","path":"Task.owner","max":"*"})", "#Task.owner: max * is more than 1"},
      {"Task", R"({"id":"Task.owner","path":"Task.owner","max":"x"})", "max 'x' is neither"},
      {"Task", R"({"id":"Task.owner","path":"Task.owner","max":"0"},{"id":"Task.owner","path":"Task.owner","min":1})", "is more than max"},
      {"Task", R"({"id":"Task.nothing","path":"Task.nothing"})", "#Task.nothing: Task has no element 'nothing'"},
      {"Task", R"({"id":"Task.status.x","path":"Task.status.x"})", "status has no element 'x'"},
      {"Task", R"({"id":"Task.note:a","path":"Task.note","sliceName":"a"})", "names the slice 'a' of note, which is not sliced"},
      {"Task", R"({"id":"Task.status","path":"Task.status","type":[{"code":"string"}]})", "type string is not among those of the base"},
      {"Task", R"({"id":"Task.status","path":"Task.status","binding":{"strength":"example"}})", "weakens the required binding"},
      {"Task",
       R"({"id":"Task.intent","path":"Task.intent","fixedCode":"order"},{"id":"Task.intent","path":"Task.intent","fixedCode":"plan"})",
       "fixes 'plan', but the base fixes 'order'"},
      {"Task",
       R"({"id":"Task.input","path":"Task.input","max":"1","slicing":{"discriminator":[{"type":"value","path":"type"}],"rules":"open"}},
          {"id":"Task.input:a","path":"Task.input","sliceName":"a","min":1},{"id":"Task.input:b","path":"Task.input","sliceName":"b","min":1})",
       "its slices need 2 values, but max is 1"},
  };
  for (const auto& [type, elements, want] : rows) {
    INFO(elements);
    const auto made = make_snapshot(constraint_on(type, elements), among(definitions));
    REQUIRE(!made);
    INFO(told(made.error()));
    CHECK(told(made.error()).find(want) != std::string::npos);
  }
  const auto orphan = make_snapshot(constraint_on("Task", "", "http://x.example/none"), among(definitions));
  REQUIRE(!orphan);
  CHECK(orphan.error()[0].text == "its base can't be used: http://x.example/none is not on this server");
  canonical_map circle;
  circle.add(constraint_on("Task", "", "http://x.example/b", "a"));
  circle.add(constraint_on("Task", "", "http://x.example/a", "b"));
  const auto round = make_snapshot(*circle.find("http://x.example/a"), among(circle));
  REQUIRE(!round);
  CHECK(round.error()[0].text.find("needs itself") != std::string::npos);
  const auto wrong = make_snapshot(constraint_on("Task", "", "http://hl7.org/fhir/StructureDefinition/Patient"), among(definitions));
  REQUIRE(!wrong);
  CHECK(wrong.error()[0].text == "is for Task, but its base is for Patient");
}

TEST_CASE("snapshots: R4's own are all there", "[snapshot]") {
  for (const auto& type : all_types()) {
    if (type.kind == type_kind::backbone) continue;
    INFO(type.name);
    const auto elements = base_snapshot(type.name);
    REQUIRE(elements.size() > 0);
    CHECK(elements[std::size_t{0}]["path"].str() == type.name);
  }
  CHECK(base_snapshot("SimpleQuantity").size() > 0);
  CHECK(base_snapshot("Nothing").is_null());
}

namespace {

std::string filled(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string out{std::istreambuf_iterator<char>(in), {}};
  const auto put = [&](std::string_view name, std::string_view value) {
    for (std::size_t at = 0; (at = out.find(name, at)) != out.npos; at += value.size()) out.replace(at, name.size(), value);
  };
  for (const auto* version : {"#{version}", "${version}"}) put(version, "3.0");
  for (const auto* date : {"#{date}", "${date}"}) put(date, "2026-01-01");
  return out;
}

// Every element of the differential stands in the snapshot with what it says.
void agrees(const json& definition, const json& snapshot) {
  std::map<std::string, const json*> by_id;
  for (const auto& e : snapshot) {
    INFO(e["id"].str());
    CHECK(by_id.emplace(e["id"].str(), &e).second);
    CHECK(e.find("min"));
    CHECK(e.find("max"));
    CHECK(e["base"].is_object());
  }
  for (const auto& e : definition["differential"]["element"]) {
    const auto found = by_id.find(e["id"].str());
    if (found == by_id.end()) continue;  // counted by who calls
    for (const auto& [name, value] : *e.if_object())
      if (name == "min" || name == "max" || name.starts_with("fixed") || name == "sliceName" || name == "path") {
        INFO(e["id"].str() << " " << name);
        CHECK((*found->second)[name] == value);
      }
  }
}

}  // namespace

TEST_CASE("snapshots: of every StructureDefinition of the corpus and of those that come along", "[snapshot][corpus]") {
  auto all = bundled_definitions();
  std::vector<json> ours;
  for (const auto& [key, definition] : all) ours.push_back(definition);
  const std::filesystem::path corpus = std::string(DSF_SOURCE_DIR) + "/../shared/corpus/fhir";
  if (!std::filesystem::exists(corpus)) std::cout << "skipped: no corpus at " << corpus << "\n";
  std::size_t files = 0, with_their_own = 0;
  std::set<std::string> elsewhere;
  if (std::filesystem::exists(corpus))
    for (const auto& file : std::filesystem::recursive_directory_iterator(corpus)) {
      if (file.path().extension() != ".xml") continue;
      const auto text = filled(file.path());
      if (text.find("<StructureDefinition") == text.npos) continue;
      auto read = read_xml(text);
      INFO(file.path());
      REQUIRE(read.resource["resourceType"].str() == "StructureDefinition");
      ++files;
      if (read.resource.find("snapshot")) ++with_their_own;
      all.add(read.resource);
      ours.push_back(std::move(read.resource));
    }
  // DSF before 1.0 brought its own bases along; profiles of that time fit today's.
  const std::map<std::string, std::string, std::less<>> renamed = {
      {"http://highmed.org/fhir/StructureDefinition/task-base", "http://dsf.dev/fhir/StructureDefinition/task"},
      {"http://highmed.org/fhir/StructureDefinition/research-study", "http://dsf.dev/fhir/StructureDefinition/research-study"},
  };
  const definition_lookup lookup = [&](std::string_view canonical) -> dsf::base::result<const json*> {
    const auto other = renamed.find(canonical);
    return all.find(other == renamed.end() ? canonical : std::string_view(other->second));
  };
  for (const auto& definition : ours) {
    INFO(definition["url"].str());
    const auto made = make_snapshot(definition, lookup);
    if (!made) {
      FAIL_CHECK(told(made.error()));
      continue;
    }
    agrees(definition, *made);
    for (const auto& e : definition["differential"]["element"])
      if (!element(*made, e["id"].str())) elsewhere.insert(definition["url"].str());
    // As a resource it is what the codec and the invariants of R4 want.
    const auto whole = with_snapshot(definition, *made);
    const auto read = read_json(whole.dump());
    for (const auto& i : read.issues) FAIL_CHECK(i.expression << ": " << i.text);
  }
  if (files == 0) return;
  CHECK(files > 100);
  // Nobody ships a snapshot to compare with; should one come, it wants a table here.
  CHECK(with_their_own == 0);
  // The ids of these two say other than their paths and slice names, which decide.
  CHECK(elsewhere == std::set<std::string>{"http://dsf.dev/fhir/StructureDefinition/task-hello-world",
                                           "http://dsf.dev/fhir/StructureDefinition/task-start-send-image"});
}
