// Would find: a bundle that is taken although it can't work, a fault without its place, or one that hides another.
#include <catch2/catch.hpp>

#include <algorithm>

#include "plugins/bundle.hpp"
#include "plugins/bundle_template.hpp"
#include "plugins/text_lines.hpp"

using namespace dsf::plugins;

namespace {

using files = std::map<std::string, std::string>;

files small() { return bundle_template({"small", "exampleorg_hello", "example.org", "2026-05-01"}).value(); }

bundle_reading read(const files& f, const bundle_context& context = {.organization = "org.example"}, const std::string& name = "/p/small") {
  return read_bundle(bundle_files::in_memory(name, f), context);
}
void replace(std::string& text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != text.npos);
  text.replace(at, what.size(), by);
}
bool told(const std::vector<bundle_fault>& list, const std::string& place, const std::string& text) {
  const bool found = std::ranges::any_of(list, [&](const auto& f) { return f.place == place && f.text.find(text) != std::string::npos; });
  if (!found)
    for (const auto& f : list) UNSCOPED_INFO(f.line());
  return found;
}

}  // namespace

TEST_CASE("bundle: the template is in order", "[bundle]") {
  handler_registry none;
  const auto r = read(small(), {.organization = "org.example", .handlers = &none});
  for (const auto& f : r.faults) UNSCOPED_INFO(f.line());
  REQUIRE(r.ok());
  CHECK(r.warnings.empty());
  const auto& b = r.content;
  CHECK(b.resource_version == "1.0");
  CHECK_FALSE(b.draft);
  REQUIRE(b.processes.size() == 1);
  CHECK(b.processes[0].definition->key == "exampleorg_hello");
  CHECK(b.processes[0].resources.size() == 3);
  CHECK(b.processes[0].xml.find("'hello'") != std::string::npos);
  CHECK(b.files.size() == 5);
  CHECK_FALSE(bundle_template({"x", "hello", "", "2026-05-01"}));
  CHECK_FALSE(bundle_template({"x", "exampleorg_hello", "example.com", "2026-05-01"}));
}

TEST_CASE("bundle: faults of the manifest, all at once, each with its line", "[bundle]") {
  auto f = small();
  f["plugin.yaml"] = R"(name: small one
version: 1.0
release_date: 2026-13-01
colour: red
configuration:
  a: {type: number, doc: x}
  b: {type: secret, default: geheim, doc: x}
  c: {type: duration, default: 5s, doc: x}
  d: {type: integer, default: 12, required: true, doc: x}
handlers:
  org.example.*: jvm
permissions:
  services: [everything]
  secrets: [a]
processes: []
)";
  const auto r = read(f);
  const auto at = [](int line) { return "/p/small!plugin.yaml:" + std::to_string(line); };
  CHECK(told(r.faults, at(1), "the name 'small one'"));
  CHECK(told(r.faults, at(2), "must have four parts"));
  CHECK(told(r.faults, at(3), "must be a day"));
  CHECK(told(r.faults, at(4), "'colour' is not known"));
  CHECK(told(r.faults, at(6), "the type 'number' is not known"));
  CHECK(told(r.faults, at(7), "is a secret and can't have a default"));
  CHECK(told(r.faults, at(8), "the default of 'c' is '5s'; it must be an ISO 8601 duration"));
  CHECK(told(r.faults, at(9), "'d' has a default, so it is never missing"));
  CHECK(told(r.faults, at(11), "must be builtin or worker"));
  CHECK(told(r.faults, at(13), "there is no service 'everything'"));
  CHECK(told(r.faults, at(14), "'a' is no key of configuration with type secret"));
  CHECK(told(r.faults, at(15), "has no processes"));
  f["plugin.yaml"] = "name: [";
  CHECK(read(f).faults.at(0).text.starts_with("not valid YAML"));
}

TEST_CASE("bundle: values of a site", "[bundle]") {
  auto f = small();
  auto& yaml = f["plugin.yaml"];
  replace(yaml, "    default: hello\n", "    required: true\n");
  CHECK(told(read(f).faults, "/p/small!plugin.yaml:7", "the site has no value for 'example.org.hello.greeting'"));
  CHECK(read(f, {.organization = "o", .offline = true}).ok());
  CHECK(read(f, {.organization = "o", .environment = {{"example.org.hello.greeting", "moin"}}}).content.processes.at(0).xml.find("moin") !=
        std::string::npos);
  replace(yaml, "type: text", "type: integer");
  CHECK(told(read(f, {.organization = "o", .environment = {{"example.org.hello.greeting", "moin"}}}).faults, "/p/small!plugin.yaml:7",
             "must be a whole number"));
  replace(yaml, "type: integer", "type: secret");
  const auto r = read(f, {.organization = "o", .environment = {{"example.org.hello.greeting", "planted"}}});
  CHECK(told(r.faults, "/p/small!bpe/hello.bpmn", "is a secret and can't be a placeholder"));
  for (const auto& fault : r.faults) CHECK(fault.line().find("planted") == std::string::npos);
}

TEST_CASE("bundle: where handlers run", "[bundle]") {
  auto f = small();
  replace(f["bpe/hello.bpmn"], "camunda:expression=\"${execution.setVariable('greeting', '#{example.org.hello.greeting}')}\"",
          "camunda:class=\"org.example.Greet\"");
  handler_registry registry;
  const bundle_context site{.organization = "o", .handlers = &registry},
      nowhere{.organization = "o", .handlers = &registry, .offline = true};
  CHECK(told(read(f, site).faults, "/p/small!bpe/hello.bpmn:10", "there is no handler for class org.example.Greet"));
  f["plugin.yaml"] += "handlers:\n  org.example.*: worker\npermissions:\n  services: [directory]\n";
  CHECK(told(read(f, site).faults, "/p/small!bpe/hello.bpmn:10", "has no workers for process exampleorg_hello"));
  const auto r = read(f, nowhere);
  REQUIRE(r.ok());
  CHECK(r.content.classes.at(0).runtime == handler_runtime::worker);
  CHECK(r.content.permissions.services == std::vector<std::string>{"directory"});
  registry.add("exampleorg_hello", "", "org.example.Greet", handler_trait::quick, {});
  CHECK(read(f, site).ok());
}

TEST_CASE("bundle: files with faults, missing files, names that lead out", "[bundle]") {
  auto f = small();
  replace(f["fhir/StructureDefinition/task-start-hello.json"], "\"kind\": \"resource\"", "\"kind\": \"thing\"");
  replace(f["fhir/ActivityDefinition/hello.json"], "\"version\": \"#{version}\"", "\"version\": \"3.1\"");
  replace(f["plugin.yaml"], "      - fhir/Task/start-hello.json\n", "      - fhir/Task/none.json\n      - ../outside.json\n");
  const auto r = read(f);
  CHECK(std::ranges::any_of(
      r.faults, [](const auto& x) { return x.place.starts_with("/p/small!fhir/StructureDefinition/task-start-hello.json:12"); }));
  CHECK(told(r.faults, "/p/small!fhir/ActivityDefinition/hello.json:16", "has version '3.1' and needs 1.0"));
  CHECK(std::ranges::any_of(r.faults, [](const auto& x) { return x.text.find("none.json: the file is missing") != std::string::npos; }));
  CHECK(std::ranges::any_of(r.faults, [](const auto& x) { return x.text.find("leads out of the bundle") != std::string::npos; }));
}

TEST_CASE("bundle: messages and profiles that don't belong together are told", "[bundle]") {
  auto f = small();
  replace(f["bpe/hello.bpmn"], "name=\"start-hello\"", "name=\"begin\"");
  replace(f["fhir/ActivityDefinition/hello.json"], "task-start-hello|#{version}", "task-other|#{version}");
  const auto r = read(f);
  REQUIRE(r.ok());
  CHECK(told(r.warnings, "/p/small!bpe/hello.bpmn:5", "waits for message 'begin'"));
  CHECK(told(r.warnings, "/p/small!fhir/ActivityDefinition/hello.json", "allows message 'start-hello'"));
  CHECK(told(r.warnings, "/p/small!fhir/ActivityDefinition/hello.json", "task-other|1.0"));
}

TEST_CASE("bundle: drafts by name and by manifest", "[bundle]") {
  CHECK(read(small(), {}, "/p/small-SNAPSHOT.zip").content.draft);
  CHECK(read(small(), {}, "/p/small-1.0.0.0-RC2").content.draft);
  CHECK_FALSE(read(small(), {}, "/p/small-MAIN.zip").content.draft);
  auto f = small();
  f["plugin.yaml"] += "draft: true\n";
  CHECK(read(f).content.draft);
}

TEST_CASE("bundle: lines of elements, in JSON and XML", "[bundle]") {
  const std::string json =
      "{\n\"resourceType\": \"Task\",\n\"input\": [\n{\"type\": 1},\n{\n\"type\": {\n\"text\": \"a\\\"b\"}}],\n\"status\": \"x\"}";
  CHECK(line_of(json, "Task.status") == 8);
  CHECK(line_of(json, "Task.input[1].type.text") == 7);
  CHECK(line_of(json, "Task.input[1]") == 5);
  CHECK(line_of(json, "Task.input[0].nothing") == 3);
  CHECK(line_of(json, "") == 1);
  const std::string xml =
      "<?xml version='1.0'?>\n<!-- > -->\n<Task>\n<input>\n<type/></input>\n<input>\n<type>\n<text "
      "value='x'/></type></input>\n<status/></Task>";
  CHECK(line_of(xml, "Task.input[1].type.text") == 8);
  CHECK(line_of(xml, "Task.status") == 9);
}
