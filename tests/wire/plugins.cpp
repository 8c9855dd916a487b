// Plugins of a real site: states that operators and settings want, over restarts; quarantine; a zip. Would find: a state that is forgotten, a
// plugin that takes others along, resources that stay when their process goes.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "plugins/testing/zip_maker.hpp"
#include "site/admin/admin_client.hpp"
#include "site/ctl/cli.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
namespace fs = std::filesystem;

namespace {

const std::string ping = "dsfdev_ping|1.0", pong = "dsfdev_pong|1.0";
const fs::path shipped = fs::path(DSF_SOURCE_DIR) / "processes/ping/bundle";

struct plugin_site : lone_site {
  plugin_site() { fs::copy(shipped, folder / "bundle", fs::copy_options::recursive); }

  site::admin_client admin() { return site::admin_client(folder / "admin.sock"); }
  std::string state(const std::string& process) {
    const auto list = must(admin().plugins());
    for (const auto& p : list.plugins)
      for (const auto& line : p.processes)
        if (line.process == process && p.reasons.empty()) return line.state;
    for (const auto& line : list.without)
      if (line.process == process) return line.state;
    return "unknown";
  }
  std::string set(const std::string& process, const std::string& wish) {
    const auto done = admin().set_process_state(process, wish);
    return done ? done->state : done.error().text();
  }
  // "" or why it could not be started.
  std::string started(const std::string& process) {
    const auto done = admin().start_task({.process = process, .message = "startPing"});
    return done ? "" : done.error().to_string();
  }
};

}  // namespace

TEST_CASE("plugins: retire, exclude and activate are kept over a restart", "[plugins]") {
  plugin_site s;
  s.settings += "plugins: {folders: [bundle]}\n";
  {
    auto process = s.start();
    CHECK(s.state(ping) == "active");
    CHECK(s.started(ping) == "");
    CHECK(s.set(ping, "retired") == "retired");
    CHECK(s.started(ping) != "");
    CHECK(s.set(pong, "excluded") == "excluded");
    CHECK(s.set("dsfdev_none|1.0", "retired").find("there is no such process") != std::string::npos);
    CHECK(process.stop(15'000));
  }
  {
    auto process = s.start();
    CHECK(s.state(ping) == "retired");
    CHECK(s.state(pong) == "excluded");
    CHECK(s.started(ping) != "");
    CHECK(s.set(ping, "active") == "active");
    CHECK(s.set(pong, "active") == "active");
    CHECK(s.started(ping) == "");
    CHECK(process.stop(15'000));
  }
  // The settings win over the operator, and say so.
  s.settings += fmt::format("processes: {{excluded: ['{}']}}\n", ping);
  {
    auto process = s.start();
    CHECK(s.state(ping) == "excluded");
    CHECK(s.state(pong) == "active");
    CHECK(s.set(ping, "active").find("the settings win") != std::string::npos);
    CHECK(process.stop(15'000));
  }
  // Nobody provides them any more.
  s.replace("plugins: {folders: [bundle]}\n", "");
  auto process = s.start();
  CHECK(s.state(pong) == "excluded");
  CHECK(s.set(pong, "active").find("no plugin here has this process") != std::string::npos);
  CHECK(process.stop(15'000));
}

TEST_CASE("plugins: a zip deployed while running stays; bad ones are in quarantine with every reason", "[plugins]") {
  plugin_site s;
  std::vector<plugins::testing::zip_entry> entries;
  for (const auto& f : fs::recursive_directory_iterator(shipped))
    if (f.is_regular_file()) entries.push_back({"ping/" + fs::relative(f.path(), shipped).string(), read_text(f.path())});
  write_text(s.folder / "ping.zip", plugins::testing::make_zip(entries));
  auto yaml = read_text(s.folder / "bundle/plugin.yaml");
  write_text(s.folder / "bundle/plugin.yaml", yaml + "colour: red\nshape: round\n");
  s.settings += "plugins: {folders: [bundle, nowhere]}\n";
  for (int round = 0; round < 2; ++round) {
    auto process = s.start();
    if (round == 0) {
      const auto done = must(s.admin().deploy_plugin(s.folder / "ping.zip"));
      CHECK(done.plugin == "dsf-process-ping-pong");
      CHECK(done.version == "1.0.1.0");
      CHECK(done.processes.size() == 3);
      CHECK(done.resources > 10);
      fs::remove(s.folder / "ping.zip");
    }
    CHECK(s.state(ping) == "active");
    CHECK(s.started(ping) == "");
    const auto list = must(s.admin().plugins());
    const auto bad = std::ranges::find_if(list.plugins, [&](const auto& p) { return p.source == (s.folder / "bundle").string(); });
    REQUIRE(bad != list.plugins.end());
    REQUIRE(bad->reasons.size() == 2);
    const auto manifest = read_text(s.folder / "bundle/plugin.yaml");
    const auto line = 1 + std::count(manifest.begin(), manifest.begin() + static_cast<std::ptrdiff_t>(manifest.find("colour")), '\n');
    CHECK(bad->reasons[0].find("plugin.yaml:" + std::to_string(line) + ": 'colour' is not known") != std::string::npos);
    CHECK(std::ranges::any_of(list.plugins, [](const auto& p) { return p.source.ends_with("nowhere") && p.reasons.size() == 1; }));
    CHECK(process.stop(15'000));
  }
}

// Would find: a plugin taken off under a running instance, one that is back after a restart, an error that does not say what is in the way.
TEST_CASE("plugins: remove waits for processes and instances, and keeps its word over a restart", "[plugins]") {
  plugin_site s;
  const auto refusal = [&](const std::string& version = {}) {
    const auto done = s.admin().remove_plugin("dsf-process-ping-pong", version);
    return done ? std::string() : done.error().to_string();
  };
  {
    auto process = s.start();
    CHECK(refusal().find("there is no such plugin") != std::string::npos);
    REQUIRE(s.admin().deploy_plugin(s.folder / "bundle"));
    CHECK(refusal("9.0.0.0").find("there is no such plugin") != std::string::npos);
    CHECK(refusal().find("is active: `dsfctl plugin retire") != std::string::npos);
    REQUIRE(s.admin().hold_handler("dev.dsf.bpe.service.SelectPingTargets", true));
    REQUIRE(s.started(ping) == "");
    for (const auto* one : {"dsfdev_ping|1.0", "dsfdev_pong|1.0", "dsfdev_pingAutostart|1.0"}) CHECK(s.set(one, "retired") == "retired");
    CHECK(refusal().find("instances of its process dsfdev_ping|1.0 still run") != std::string::npos);
    CHECK(s.state(ping) == "retired");
    const auto page = must(s.admin().list_instances({.state = "running"}));
    REQUIRE(page.instances.size() == 1);
    REQUIRE(s.admin().cancel_instance(page.instances.front().id, "test"));
    const auto done = s.admin().remove_plugin("dsf-process-ping-pong", "1.0.1.0");
    INFO((done ? "" : done.error().to_string()));
    REQUIRE(done);
    CHECK(done->processes.size() == 3);
    CHECK(done->resources > 10);
    CHECK(must(s.admin().plugins()).plugins.empty());
    CHECK(s.state(ping) == "excluded");
    CHECK(process.stop(15'000));
  }
  s.settings += "plugins: {folders: [bundle]}\n";
  auto process = s.start();
  CHECK(s.state(ping) == "active");  // of the settings: nothing is left of what an operator wanted
  for (const auto* one : {"dsfdev_ping|1.0", "dsfdev_pong|1.0", "dsfdev_pingAutostart|1.0"}) CHECK(s.set(one, "excluded") == "excluded");
  CHECK(refusal().find("plugins.folders of the settings has it") != std::string::npos);
  CHECK(process.stop(15'000));
}

// Would find: a test that is not run or whose failure is not told, an exit code that says otherwise.
TEST_CASE("plugins: dsfctl plugin test starts what has a draft Task or a test, and says what came of each", "[plugins]") {
  const auto run = [](const fs::path& bundle, std::string& said) {
    const auto dsfd = dsfd_program();
    const auto testbed = fs::path(dsfd).parent_path() / "testbed" / "dsfd_testbed";
    const std::vector<std::string> all{"dsfctl", "plugin", "test", bundle.string(), "--dsfd", dsfd, "--testbed", testbed.string()};
    std::vector<const char*> argv;
    for (const auto& a : all) argv.push_back(a.c_str());
    std::ostringstream out;
    const int code = site::run_dsfctl(static_cast<int>(argv.size()), argv.data(), out, out);
    said = out.str();
    return code;
  };
  std::string said;
  const auto code = run(shipped, said);
  INFO(said);
  CHECK(code == 0);
  for (const auto* line :
       {"fhir/Task/dsf-task-start-ping.json", "tests/ping.yaml", "tests/pong.yaml", "fhir/Task/dsf-task-start-ping-autostart.json"})
    CHECK(said.find(line) != std::string::npos);

  const temp_folder folder{"bundle"};
  fs::copy(shipped, folder / "bundle", fs::copy_options::recursive);
  write_text(folder / "bundle/tests/ping.yaml", "steps:\n  - start: startPing\n  - expect: {task: failed}\n");
  CHECK(run(folder / "bundle", said) == 1);
  INFO(said);
  CHECK(said.find("tests/ping.yaml:3: the Task should be failed, and is completed") != std::string::npos);
  CHECK(said.find("1 of 5 tests failed") != std::string::npos);
  write_text(folder / "bundle/tests/ping.yaml", "steps:\n  - begin: startPing\n");
  CHECK(run(folder / "bundle", said) == 1);
  CHECK(said.find("tests/ping.yaml:2: a step is one of") != std::string::npos);
}
