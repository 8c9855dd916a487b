// Would find: a malformed Task that a plugin would have to cope with, or a good one refused (dsf-bpe 1.3).
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>

#include "fhir/codec/xml.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

json& first(json& j) { return (*j.if_array())[0]; }

std::string corpus_text(const std::string& path, std::string_view version) {
  std::ifstream in(path);
  std::string out{std::istreambuf_iterator<char>(in), {}};
  const auto put = [&](std::string_view name, std::string_view value) {
    for (std::size_t at = 0; (at = out.find(name, at)) != out.npos; at += value.size()) out.replace(at, name.size(), value);
  };
  put("#{version}", version);
  put("#{date}", "2026-01-01");
  put("value=\"unknown\"", "value=\"active\"");
  return out;
}

}  // namespace

TEST_CASE("rules of the Task profiles", "[profile]") {
  struct row {
    const char* name;
    std::function<void(json&)> change;
    const char* fault;  // part of the text; empty: none
  };
  const std::vector<row> rows = {
      {"as it should be", [](json&) {}, ""},
      {"wrong process", [](json& t) { t.set("instantiatesCanonical", "http://dsf.dev/bpe/Process/ping|1.0"); },
       "must be 'http://dsf.dev/bpe/Process/pong|1.0'"},
      {"wrong message", [](json& t) { first(*t.find("input")).set("valueString", "x"); }, "Value is 'x' but must be 'ping'"},
      {"no business key", [](json& t) { t.find("input")->if_array()->resize(1); }, "Task.input: minimum required = 2, but only found 1"},
      {"two business keys", [](json& t) { t.find("input")->push_back(json(t["input"][std::size_t{1}])); },
       "Task.input:business-key: max allowed = 1, but found 2"},
      {"too many inputs",
       [](json& t) {
         for (int i = 0; i < 2; ++i) t.find("input")->push_back(parsed(R"({"type":{"text":"x"},"valueString":"y"})"));
       },
       "Task.input: max allowed = 3, but found 4"},
      {"message as url",
       [](json& t) {
         auto& i = first(*t.find("input"));
         i.erase("valueString");
         i.set("valueUri", "ping");
       },
       "Task.input:message-name.value[x]: the type uri is not allowed here; use string"},
      {"intent", [](json& t) { t.set("intent", "plan"); }, "Value is 'plan' but must be 'order'"},
      {"no authoredOn", [](json& t) { t.erase("authoredOn"); }, "Task.authoredOn: minimum required = 1, but only found 0"},
      {"literal requester", [](json& t) { t.find("requester")->set("reference", "Organization/1"); },
       "Task.requester.reference: max allowed = 0, but found 1"},
      {"recipient of another system",
       [](json& t) { first(*t.find("restriction")->find("recipient")).find("identifier")->set("system", "http://x"); },
       "Value is 'http://x' but must be"},
      {"another input",
       [](json& t) { t.find("input")->push_back(parsed(R"({"type":{"coding":[{"system":"http://x","code":"y"}]},"valueBoolean":true})")); },
       ""},
      {"unknown version",
       [](json& t) { t.find("meta")->set("profile", parsed(R"(["http://dsf.dev/fhir/StructureDefinition/task-ping|9.9"])")); },
       "because it is unknown"},
      {"profile of another type",
       [](json& t) { t.find("meta")->set("profile", parsed(R"(["http://dsf.dev/fhir/StructureDefinition/nothing"])")); },
       "because it is unknown"},
      {"draft without identifier", [](json& t) { t.set("status", "draft"); }, "identifier-if-status-draft"},
      {"taken up without business key",
       [](json& t) {
         t.set("status", "in-progress");
         t.find("input")->if_array()->resize(1);
       },
       "business-key-if-status-inprogress-completed-failed"},
  };
  test_site site;
  for (const auto& r : rows) {
    INFO(r.name);
    auto task = site.ping_task();
    r.change(task);
    const auto issues = check_profiles(task, *site.conformance);
    std::string all;
    for (const auto& i : issues) all += i.text + "\n";
    INFO(all);
    CHECK(issues.empty() == (*r.fault == 0));
    CHECK(all.find(r.fault) != std::string::npos);
  }
}

TEST_CASE("a Task that fails its profile is answered with all faults", "[profile]") {
  test_site site;
  auto task = site.ping_task();
  task.erase("authoredOn");
  task.set("intent", "plan");
  const auto a = site.post(site.remote_b, task);
  CHECK(a.status() == 403);
  CHECK(a.body()["issue"].size() == 2);
  CHECK(a.denials.empty());
}

TEST_CASE("the profiles of the corpus compile and fit their own draft Tasks", "[profile][corpus]") {
  const std::string corpus = std::string(DSF_SOURCE_DIR) + "/../shared/corpus/fhir";
  if (!std::filesystem::exists(corpus)) {
    std::cout << "skipped: no corpus at " << corpus << "\n";
    return;
  }
  int profiles = 0, tasks = 0;
  for (const auto& plugin : {"dsf-process-ping-pong", "mii-process-feasibility", "mii-process-data-sharing", "dsf-process-allow-list"}) {
    test_site site;
    for (const auto& folder : {"CodeSystem", "ValueSet", "StructureDefinition"})
      if (const auto path = corpus + "/" + plugin + "/" + folder; std::filesystem::exists(path))
        for (const auto& file : std::filesystem::directory_iterator(path)) {
          auto read = read_xml(corpus_text(file.path(), "3.0"));
          INFO(file.path().string());
          REQUIRE(read.resource.is_object());
          site.store_resource(read.resource);
          if (read.resource["type"].str() != "Task") continue;
          ++profiles;
          CHECK(site.conformance->profile_of(read.resource["url"].str() + "|3.0"));
        }
    const auto path = corpus + "/" + plugin + "/Task";
    if (!std::filesystem::exists(path)) continue;
    for (const auto& file : std::filesystem::directory_iterator(path)) {
      auto text = corpus_text(file.path(), "3.0");
      for (std::size_t at = 0; (at = text.find("#{organization}", at)) != text.npos;) text.replace(at, 15, "site-a.example");
      const auto task = read_xml(text).resource;
      std::string all;
      for (const auto& i : check_profiles(task, *site.conformance)) all += i.expression + ": " + i.text + "\n";
      INFO(file.path().string() << "\n" << all);
      CHECK(all.empty());
      ++tasks;
    }
  }
  CHECK(profiles > 10);
  CHECK(tasks > 3);
}

TEST_CASE("default profiles", "[profile]") {
  CHECK(default_profile("OrganizationAffiliation") == "http://dsf.dev/fhir/StructureDefinition/organization-affiliation");
  CHECK(default_profile("Task").empty());
  auto o =
      parsed(R"({"resourceType":"Organization","meta":{"profile":["http://dsf.dev/fhir/StructureDefinition/organization-parent|2.0.0"]}})");
  add_default_profile(o);
  CHECK(o["meta"]["profile"].size() == 1);
  auto e = parsed(R"({"resourceType":"Endpoint"})");
  add_default_profile(e);
  add_default_profile(e);
  CHECK(e["meta"]["profile"].size() == 1);
}
