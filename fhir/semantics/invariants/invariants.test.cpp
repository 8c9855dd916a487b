#include "fhir/semantics/invariants/invariants.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/conformance/bundled.hpp"

using namespace dsf;
using namespace dsf::fhir;

namespace {

// "path: key" of each fault.
std::string faults(std::string_view json) {
  const auto r = base::json::parse(json);
  REQUIRE(r);
  std::string out;
  for (const auto& i : check_invariants(*r)) {
    const auto colon = i.text.find(": ");
    const auto end = i.text.find(": ", colon + 2);
    out += (out.empty() ? "" : ", ") + i.expression + ": " + i.text.substr(colon + 2, end - colon - 2);
  }
  return out;
}

struct row {
  std::string_view resource;
  std::string_view faults;
};

}  // namespace

TEST_CASE("invariants of R4: each broken once and kept once") {
  const row rows[] = {
      {R"({"resourceType":"Task","authoredOn":"2026-01-02T00:00:00Z","lastModified":"2026-01-01T00:00:00Z"})", "Task: inv-1"},
      {R"({"resourceType":"Task","authoredOn":"2026-01-01T00:00:00Z","lastModified":"2026-01-02T00:00:00Z"})", ""},
      {R"({"resourceType":"Task","authoredOn":"2026-01-01","lastModified":"2026-01"})", ""},
      {R"({"resourceType":"Task","extension":[{"url":"u","valueString":"a","extension":[{"url":"v","valueString":"b"}]}]})",
       "Task.extension[0]: ext-1"},
      {R"({"resourceType":"Task","status":"draft","_status":{"extension":[{"url":"u"}]}})", "Task.status.extension[0]: ext-1"},
      {R"({"resourceType":"Task","for":{"reference":"#nobody"}})", "Task.for: ref-1"},
      {R"({"resourceType":"Task","for":{"reference":"#a"},"contained":[{"resourceType":"Patient","id":"a"}]})", ""},
      {R"({"resourceType":"Task","contained":[{"resourceType":"Patient","id":"a"}]})", "Task: dom-3"},
      {R"({"resourceType":"Task","restriction":{"period":{"start":"2026-02-01","end":"2026-01-01"}}})", "Task.restriction.period: per-1"},
      {R"({"resourceType":"Task","input":[{"type":{"text":"t"},"valueQuantity":{"value":1,"code":"mg"}}]})",
       "Task.input[0].valueQuantity: qty-3"},
      {R"({"resourceType":"Task","input":[{"type":{"text":"t"},"valueAttachment":{"data":"aGk="}}]})",
       "Task.input[0].valueAttachment: att-1"},
      {R"({"resourceType":"Organization","name":"a","telecom":[{"use":"work","system":"email","value":"x"},{"use":"home","system":"email","value":"x"}]})",
       "Organization.telecom[1]: org-3"},
      {R"({"resourceType":"Organization","active":true})", "Organization: org-1"},
      {R"({"resourceType":"Patient","contact":[{"gender":"male"}]})", "Patient.contact[0]: pat-1"},
      {R"({"resourceType":"Bundle","type":"collection","total":1})", "Bundle: bdl-1"},
      {R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Organization"}}]})",
       "Bundle.entry[0].resource: org-1"},
      {R"({"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"1","type":"string"}]}]})",
       "Questionnaire: que-2"},
      {R"({"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"string"},
          {"linkId":"2","type":"string","enableWhen":[{"question":"1","operator":"exists","answerBoolean":true}]}]})",
       ""},
      {R"({"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"string"},
          {"linkId":"2","type":"string","enableWhen":[{"question":"1","operator":"exists","answerString":"true"}]}]})",
       "Questionnaire.item[1].enableWhen[0]: que-7"},
      {R"({"resourceType":"ValueSet","status":"draft","compose":{"include":[{"concept":[{"code":"a"}]}]}})",
       "ValueSet.compose.include[0]: vsd-1, ValueSet.compose.include[0]: vsd-2"},
      {R"({"resourceType":"CodeSystem","status":"draft","content":"complete","concept":[{"code":"a"},{"code":"a"}]})", "CodeSystem: csd-1"},
      {R"({"resourceType":"Unknown"})", ""},
  };
  for (const auto& r : rows) {
    INFO(r.resource);
    CHECK(faults(r.resource) == r.faults);
  }
}

TEST_CASE("invariants: no more faults than asked for") {
  std::string entries;
  for (int i = 0; i < 100; ++i) entries += std::string(i ? "," : "") + R"({"resource":{"resourceType":"Organization"}})";
  const auto bundle = base::json::parse(R"({"resourceType":"Bundle","type":"collection","entry":[)" + entries + "]}");
  CHECK(check_invariants(*bundle).size() == 50);
  CHECK(check_invariants(*bundle, 7).size() == 7);
}

TEST_CASE("our conformance resources keep every invariant") {
  for (const auto b : bundled_resources()) {
    const auto r = base::json::parse(b);
    REQUIRE(r);
    for (const auto& i : check_invariants(*r)) FAIL_CHECK((*r)["url"].str() << ": " << i.expression << ": " << i.text);
  }
}

// The corpus was accepted by servers that check invariants; what they let pass stands here by name.
TEST_CASE("resources of the corpus keep every invariant") {
  namespace fs = std::filesystem;
  const fs::path folder = DSF_SOURCE_DIR "/../shared/corpus";
  if (!fs::exists(folder)) {
    std::cout << "SKIPPED: no ../shared/corpus\n";
    return;
  }
  const std::map<std::string, std::set<std::string>> known{};
  std::size_t count = 0, bad = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto ext = entry.path().extension();
    if (!entry.is_regular_file() || (ext != ".json" && ext != ".xml")) continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    const auto content = text.str();
    const auto read = ext == ".json" ? read_json(content) : read_xml(content);
    if (!read.resource.is_object() || !read.resource.find("resourceType")) continue;
    ++count;
    const auto name = entry.path().filename().string();
    const auto it = known.find(name);
    for (const auto& i : check_invariants(read.resource)) {
      if (it != known.end() &&
          std::ranges::any_of(it->second, [&](const auto& key) { return i.text.find(" " + key + ":") != std::string::npos; }))
        continue;
      ++bad;
      UNSCOPED_INFO(entry.path().string() << ": " << i.expression << ": " << i.text);
    }
  }
  std::cout << "invariants: " << count << " resources of the corpus\n";
  CHECK(bad == 0);
  CHECK(count > 0);
}
