// Faults these find: a test that is read as another one, a mistyped step or key that is passed over in silence.
#include "plugins/bundle_tests.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "plugins/testing/zip_maker.hpp"

using namespace dsf;
using namespace dsf::plugins;

namespace {

bool told(const bundle_tests& read, const std::string& line) {
  return std::ranges::any_of(read.faults, [&](const auto& f) { return f.line().find(line) != std::string::npos; });
}

}  // namespace

TEST_CASE("bundle tests: steps in their order, with their places") {
  const auto read = read_bundle_tests({{"tests/a.yaml", R"(description: d
worker: [./w.py, --credits, 1]
plugin: p
partners: [dic-a, {organization: dic-b, role: HRP}]
settings: {org.example.x: 3}
steps:
  - start: go
    inputs: [{system: s, code: c, valueInteger: 3}]
  - receive: pong
    from: dic-a
    answers: ping
  - script: dic-a
    answers: [403, unreachable]
  - expect: {task: completed, outputs: [{code: c, value: v}]}
)"}});
  for (const auto& f : read.faults) UNSCOPED_INFO(f.line());
  REQUIRE(read.faults.empty());
  REQUIRE(read.tests.size() == 1);
  const auto& t = read.tests.front();
  CHECK(t.name == "tests/a.yaml");
  CHECK(t.worker == std::vector<std::string>{"./w.py", "--credits", "1"});
  CHECK(t.plugin == "p");
  CHECK(t.partners.dump() == R"([{"organization":"dic-a"},{"organization":"dic-b","role":"HRP"}])");
  CHECK(t.settings.at("org.example.x") == "3");
  REQUIRE(t.steps.size() == 4);
  CHECK(t.steps[0].what == "start");
  CHECK(t.steps[0].with["inputs"][0]["valueInteger"].str() == "3");
  CHECK(t.steps[1].what == "receive");
  CHECK(t.steps[1].place == "tests/a.yaml:9");
  CHECK(t.steps[2].what == "script");
  CHECK(t.steps[3].with["expect"]["outputs"][0]["code"].str() == "c");
}

TEST_CASE("bundle tests: every fault with its line") {
  const auto read =
      read_bundle_tests({{"a", "steps: [{begin: x}, {start: x, colour: red}, {expect: {taks: completed}}, {advance: [1]}, 3]\n"},
                         {"b", "steps: []\n"},
                         {"c", "[x"},
                         {"d", "steps: [{start: s}]\nworkers: x\npartners: [[x]]\n"}});
  CHECK(told(read, "a:1: a step is one of start, receive, advance, script, serve, expect"));
  CHECK(told(read, "a:1: 'colour' is not known here; known are business_key, inputs, process, start"));
  CHECK(told(read, "a:1: 'taks' is not known here"));
  CHECK(told(read, "a:1: 'advance' must be a text"));
  CHECK(told(read, "a:1: a step must be a map"));
  CHECK(told(read, "b:1: a test must have a list of steps"));
  CHECK(told(read, "c:1: not valid YAML") | told(read, "c:2: not valid YAML"));
  CHECK(told(read, "d:2: 'workers' is not known here"));
  CHECK(told(read, "d:3: a partner is"));
}

TEST_CASE("bundle tests: found in a folder and in a zip, and nothing beside them") {
  std::string name = (std::filesystem::temp_directory_path() / "dsf-bundle-tests-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()));
  const std::filesystem::path folder{name};
  CHECK(find_bundle_tests(folder)->empty());
  std::filesystem::create_directory(folder / "tests");
  for (const auto* file : {"tests/a.yaml", "tests/notes.txt", "plugin.yaml"}) std::ofstream(folder / file) << "steps: []";
  REQUIRE(find_bundle_tests(folder)->size() == 1);
  CHECK(find_bundle_tests(folder)->contains("tests/a.yaml"));
  std::ofstream(folder / "b.zip", std::ios::binary)
      << testing::make_zip({{"hello/plugin.yaml", "x"}, {"hello/tests/a.yaml", "steps: []"}, {"hello/fhir/tests/b.yaml", "x"}});
  const auto zipped = find_bundle_tests(folder / "b.zip");
  REQUIRE(zipped);
  CHECK(zipped->size() == 1);
  CHECK(zipped->contains("tests/a.yaml"));
  std::filesystem::remove_all(folder);
}
