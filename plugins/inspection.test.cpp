// A JAR as DSF's plugins are, made here. Would find: one that can't be looked into, or that tells less than it holds.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "plugins/bundle_template.hpp"
#include "plugins/inspection.hpp"
#include "plugins/testing/zip_maker.hpp"

using namespace dsf::plugins;

TEST_CASE("inspection: a JAR", "[inspection]") {
  auto files = bundle_template({"small", "exampleorg_hello", "example.org", "2026-05-01"}).value();
  files.erase("plugin.yaml");
  auto& model = files["bpe/hello.bpmn"];
  const std::string expression = "camunda:expression=\"${execution.setVariable('greeting', '#{example.org.hello.greeting}')}\"";
  model.replace(model.find(expression), expression.size(), "camunda:class=\"org.example.Greet\"");
  std::vector<testing::zip_entry> entries{
      {"META-INF/services/dev.dsf.bpe.v2.ProcessPluginDefinition", "# comment\norg.example.HelloDefinition\n"},
      {"plugin.properties", "name=hello\nversion=1.2.0.3-SNAPSHOT\nrelease-date=2026-05-01T10:00:00Z\n"},
      {"org/example/Greet.class", "\xca\xfe\xba\xbe"},
      {"bpe/broken.bpmn", "<x"}};
  for (const auto& [name, text] : files) entries.push_back({name, text});
  const auto path = std::filesystem::temp_directory_path() / ("dsfd-hello-" + std::to_string(::getpid()) + "-SNAPSHOT.jar");
  std::ofstream(path, std::ios::binary) << testing::make_zip(entries);
  handler_registry registry;
  const auto found = inspect(path, registry);
  registry.add("exampleorg_hello", "", "org.example.Greet", handler_trait::quick, {});
  const auto again = inspect(path, registry);
  std::filesystem::remove(path);
  REQUIRE(found);
  CHECK(found->jar);
  CHECK(found->draft);
  CHECK(found->version == "1.2.0.3");
  CHECK(found->definitions == std::vector<std::string>{"dev.dsf.bpe.v2.ProcessPluginDefinition: org.example.HelloDefinition"});
  REQUIRE(found->processes.size() == 1);
  CHECK(found->processes[0].key == "exampleorg_hello");
  CHECK(found->processes[0].version_tag == "1.2");
  REQUIRE(found->resources.size() == 3);
  CHECK(found->resources[0].identity == "http://example.org/bpe/Process/hello|1.2");
  REQUIRE(found->classes.size() == 1);
  CHECK(found->classes[0].name == "org.example.Greet");
  CHECK_FALSE(found->classes[0].here);
  CHECK(found->unreadable.size() == 1);
  REQUIRE(again);
  CHECK(again->classes[0].here);
  CHECK_FALSE(inspect("/nowhere.jar", registry));
}
