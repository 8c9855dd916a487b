#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "site/admin/admin_server.hpp"
#include "site/admin/fake_port.hpp"
#include "site/ctl/cli.hpp"
#include "site/ctl/commands.hpp"
#include "site/ctl/demo/allow_list.hpp"
#include "site/ctl/demo/child.hpp"
#include "site/ctl/plugin_commands.hpp"
#include "site/ctl/store_commands.hpp"
#include "site/ctl/text_table.hpp"

using namespace dsf::site;
namespace base = dsf::base;

namespace {

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("dsfd-ctl-" + std::to_string(::getpid()));
  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

struct ran {
  int code;
  std::string out, err;
};
ran dsfctl(std::vector<std::string> arguments) {
  std::vector<const char*> argv{"dsfctl"};
  for (const auto& a : arguments) argv.push_back(a.c_str());
  std::ostringstream out, err;
  const int code = run_dsfctl(static_cast<int>(argv.size()), argv.data(), out, err);
  return {code, out.str(), err.str()};
}

struct printed {
  std::ostringstream out, err;
  base::manual_clock clock{{10'000 * base::us_per_s}};
  ctl_output o{out, err, false, 0, false, clock};
};

}  // namespace

TEST_CASE("tables are aligned, cut to the width, and keep control characters out", "[ctl]") {
  text_table t({"NAME", "N", "TEXT"});
  t.align_right(1);
  t.add({"a", "10", "short"});
  t.add({"bcdef", "5", "line\x1b[2J\nbreak"});
  CHECK(t.str(0) ==
        "NAME    N  TEXT\n"
        "a      10  short\n"
        "bcdef   5  line [2J break\n");
  text_table wide({"A", "B"});
  wide.add({std::string(50, 'x'), std::string(30, 'y')});
  for (const auto width : {20u, 40u, 60u}) {
    std::istringstream lines(wide.str(width));
    std::string line;
    while (std::getline(lines, line)) CHECK(text_width(line) <= width);
  }
  CHECK(cut_to("Universitätsklinikum", 12) == "Universität…");
}

TEST_CASE("times and sizes as people say them", "[ctl]") {
  const base::timestamp now{1'000'000 * base::us_per_s};
  CHECK(relative_time({0}, now) == "");
  CHECK(relative_time({now.us - 5 * base::us_per_s}, now) == "5s ago");
  CHECK(relative_time({now.us + 600 * base::us_per_s}, now) == "in 10m");
  CHECK(relative_time({now.us - 7'200 * base::us_per_s}, now) == "2h ago");
  CHECK(relative_time({1}, now) == "1970-01-01 00:00");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1536) == "1.5 KiB");
}

TEST_CASE("instances: a table for people, one JSON value for programs", "[ctl]") {
  fake_port port;
  printed p;
  REQUIRE(ctl::instances(p.o, port, {}, false).has_value());
  CHECK(p.out.str().starts_with("INSTANCE  PROCESS  BUSINESS KEY  STATE"));
  CHECK(p.out.str().find("running, 3 incidents") != std::string::npos);
  CHECK(p.err.str() == "there are more; --after next shows the next page, --all shows all\n");
  printed j;
  j.o.json = true;
  REQUIRE(ctl::instances(j.o, port, {}, false).has_value());
  const auto value = base::json::parse(j.out.str());
  REQUIRE(value.has_value());
  CHECK((*value)["instances"].size() == 2);
  CHECK((*value)["instances"][0]["business_key"].str() == "bk");
  CHECK((*value)["next"].str() == "next");
}

TEST_CASE("every command against a site, as table and as JSON", "[ctl]") {
  folder f;
  fake_port port;
  const auto socket = f / "s";
  auto server = admin_server::start(socket, port);
  REQUIRE(server.has_value());
  std::ofstream(f / "q.json") << "{}";
  const std::vector<std::vector<std::string>> commands{{"status"},
                                                       {"instances"},
                                                       {"instance", "show", "x"},
                                                       {"instance", "cancel", "x", "--reason", "r"},
                                                       {"incidents"},
                                                       {"incidents", "retry", "1", "2"},
                                                       {"incidents", "cancel", "1"},
                                                       {"why", "bk"},
                                                       {"partners"},
                                                       {"actors"},
                                                       {"workers"},
                                                       {"task", "start", "p|1", "--input", "s|c=v", "--reference", "s|d=Measure/1"},
                                                       {"task", "complete", "ut", "--set", "a=b"},
                                                       {"import", "/data"},
                                                       {"cohort", "count", f / "q.json"},
                                                       {"plugin", "deploy", "/p"},
                                                       {"handler", "hold", "a.B"},
                                                       {"handler", "release", "a.B"},
                                                       {"stop"}};
  for (auto arguments : commands) {
    arguments.insert(arguments.end(), {"--socket", socket});
    CAPTURE(arguments);
    const auto people = dsfctl(arguments);
    CHECK(people.code == 0);
    CHECK_FALSE(people.out.empty());
    arguments.push_back("--json");
    const auto program = dsfctl(arguments);
    CHECK(program.code == 0);
    std::istringstream lines(program.out);
    std::string line;
    while (std::getline(lines, line)) CHECK(base::json::parse(line).has_value());
  }
  CHECK(port.asked_start.inputs == std::vector<task_input>{{"s", "c", "string", "v"}, {"s", "d", "reference", "Measure/1"}});
  CHECK(port.asked_completion.variables.at(0).second == "b");
}

TEST_CASE("errors are one line that says what to do", "[ctl]") {
  folder f;
  const auto nobody = dsfctl({"status", "--socket", f / "none"});
  CHECK(nobody.code == 1);
  CHECK(nobody.err == "dsfctl: no dsfd listens at " + (f / "none") + "; start it or pass --socket\n");
  ::unsetenv("DSFD_ADMIN_SOCKET");
  ::unsetenv("DSFD_CONFIG");
  CHECK(dsfctl({"status"}).err == "dsfctl: which site? Pass --socket PATH, or --config FILE of the running dsfd\n");
  CHECK(dsfctl({"status", "--config", f / "none.yaml"}).err ==
        "dsfctl: " + (f / "none.yaml") + ": the settings file can't be read: No such file or directory; `dsfctl site init` makes one\n");
  CHECK(dsfctl({"nonsense"}).code == 2);
  CHECK(dsfctl({}).code == 2);
  CHECK(dsfctl({"--help"}).code == 0);
  fake_port port;
  auto server = admin_server::start(f / "s", port);
  REQUIRE(server.has_value());
  CHECK(dsfctl({"instance", "show", "none", "--socket", f / "s"}).err ==
        "dsfctl: none: there is no instance 'none'; `dsfctl instances` lists them\n");
  CHECK(dsfctl({"task", "start", "p|1", "--input", "broken", "--socket", f / "s"}).err ==
        "dsfctl: the input 'broken' must be system|code=value\n");
}

TEST_CASE("the actor tree shows each actor once, also when names form a circle", "[ctl]") {
  struct tree_port : fake_port {
    base::result<std::vector<actor_status>> actors(std::uint32_t) override {
      return std::vector<actor_status>{
          {"site", "", 0, 1, 0}, {"engine", "site", 2, 3, 1}, {"instance", "engine", 0, 1, 0}, {"self", "self", 0, 0, 0}};
    }
  } port;
  printed p;
  REQUIRE(ctl::actors(p.o, port, 10).has_value());
  CHECK(p.out.str() ==
        "ACTOR         MAILBOX  HANDLED  RESTARTS\n"
        "site                0        1         0\n"
        "  engine            2        3         1\n"
        "    instance        0        1         0\n"
        "self                0        0         0\n");
}

TEST_CASE("pki makes what is missing and keeps what is there; site init uses it", "[ctl]") {
  folder f;
  const auto first = dsfctl({"pki", "--out", f / "pki", "--site", "a", "--site", "b", "--practitioner", "p@a.example", "--json"});
  REQUIRE(first.code == 0);
  const auto made = base::json::parse(first.out).value();
  CHECK(made["certificates"].size() == 5);
  const auto thumbprint = made["certificates"][1]["thumbprint"].str();
  CHECK(thumbprint.size() == 128);
  const auto second = dsfctl({"pki", "--out", f / "pki", "--site", "a", "--json"});
  REQUIRE(second.code == 0);
  const auto kept = base::json::parse(second.out).value();
  CHECK(kept["certificates"][1]["thumbprint"].str() == thumbprint);
  CHECK(kept["certificates"][1]["kept"].bool_or(false));
  CHECK(dsfctl({"pki", "--out", f / "pki", "--site", "../x"}).err ==
        "dsfctl: '../x' can't be a file name; use letters, digits, dot, dash and underscore\n");

  const std::vector<std::string> init{
      "site",           "init",     f / "site", "--organization", "it's.example", "--base-url", "https://localhost:8443/fhir",
      "--certificates", f / "pki/a"};
  const auto site = dsfctl(init);
  CHECK(site.code == 0);
  CHECK(site.err == "");
  CHECK(site.out.starts_with("made " + (f / "site/site.yaml") + "\nthen: dsfd --config " + (f / "site/site.yaml") + "\nSite card"));
  // What the consortium is told is what partners will see.
  const auto card = dsfctl({"--config", f / "site/site.yaml", "site", "card", "--contact", "dsf@a.example", "--json"});
  REQUIRE(card.code == 0);
  const auto on_it = base::json::parse(card.out).value();
  CHECK(on_it["organization"].str() == "it's.example");
  CHECK(on_it["endpoint"].str() == "https://localhost:8443/fhir");
  CHECK(on_it["contact"].str() == "dsf@a.example");
  CHECK(on_it["client_certificate"]["thumbprint"].str() == thumbprint);
  CHECK(on_it["server_certificate"]["thumbprint"].str().size() == 128);
  CHECK(on_it["server_certificate"]["thumbprint"].str() != thumbprint);
  CHECK(dsfctl(init).err == "dsfctl: " + (f / "site/site.yaml") + ": there is a settings file already; it is left as it is\n");
}

TEST_CASE("an allow-list bundle refers only to what it holds", "[ctl]") {
  const std::vector<ctl::allow_list_member> members{{"a.example", "A", "a.host", "https://a/fhir", std::string(128, 'a'), "HRP"},
                                                    {"b.example", "B", "b.host", "https://b/fhir", std::string(128, 'b'), "DIC"}};
  const auto bundle = ctl::allow_list_bundle("net.example", members);
  CHECK(bundle["entry"].size() == 7);
  const auto text = bundle.dump();
  for (std::size_t at = text.find("{\"reference\":\""); at != std::string::npos; at = text.find("{\"reference\":\"", at + 1)) {
    const auto target = text.substr(at + 14, text.find('"', at + 14) - at - 14);
    CHECK(text.find("\"fullUrl\":\"" + target + "\"") != std::string::npos);
  }
}

TEST_CASE("a child is killed, stopped, and noticed when it ends", "[ctl]") {
  folder f;
  auto sleeper = ctl::child::start({"/bin/sleep", "30"}, f / "log");
  REQUIRE(sleeper.has_value());
  CHECK(sleeper->running());
  sleeper->kill_hard();
  CHECK_FALSE(sleeper->running());
  auto polite = ctl::child::start({"/bin/sleep", "30"}, f / "log");
  CHECK(polite->stop(5'000));
  auto stubborn = ctl::child::start({"/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"}, f / "log");
  for (int i = 0; i < 200 && std::filesystem::file_size(f / "log") == 0; ++i) ::usleep(10'000);
  CHECK_FALSE(stubborn->stop(100));
  auto missing = ctl::child::start({"/nonexistent/program"}, f / "log");
  for (int i = 0; i < 200 && missing->running(); ++i) ::usleep(10'000);
  CHECK_FALSE(missing->running());
}

TEST_CASE("plugin list, and states of processes", "[ctl]") {
  fake_port port;
  printed p;
  REQUIRE(ctl::plugin_list(p.o, port).has_value());
  INFO(p.out.str());
  CHECK(p.out.str().find("draft: b") != std::string::npos);
  CHECK(p.out.str().find("gone|1.0") != std::string::npos);
  CHECK(p.out.str().find("bad 2.0.0.0 (/p/bad)\n  first reason\n  second reason\n") != std::string::npos);
  printed j;
  j.o.json = true;
  REQUIRE(ctl::plugin_list(j.o, port).has_value());
  const auto value = base::json::parse(j.out.str());
  REQUIRE(value.has_value());
  CHECK((*value)["plugins"][1]["reasons"].size() == 2);
  printed s;
  REQUIRE(ctl::plugin_state(s.o, port, "p|1.0", "retired").has_value());
  CHECK(s.out.str() == "p|1.0 is retired (an operator wants it)\n");
}

TEST_CASE("a new plugin lints clean, and what is broken in it is told", "[ctl]") {
  folder f;
  const auto path = f / "hello";
  CHECK(dsfctl({"plugin", "new", path, "--process", "hello"}).code == 1);
  REQUIRE(dsfctl({"plugin", "new", path, "--process", "exampleorg_hello", "--domain", "example.org"}).code == 0);
  CHECK(dsfctl({"plugin", "new", path, "--process", "exampleorg_hello"}).code == 1);
  const auto clean = dsfctl({"plugin", "lint", path, "--json"});
  CHECK(clean.code == 0);
  const auto report = base::json::parse(clean.out);
  REQUIRE(report.has_value());
  CHECK((*report)["faults"].size() == 0);
  CHECK((*report)["warnings"].size() == 0);
  CHECK(dsfctl({"plugin", "inspect", path}).out.find("exampleorg_hello  1.0") != std::string::npos);
  std::ofstream(std::filesystem::path(path) / "plugin.yaml", std::ios::app) << "colour: red\n";
  const auto broken = dsfctl({"plugin", "lint", path});
  CHECK(broken.code == 1);
  CHECK(broken.out.find("'colour' is not known") != std::string::npos);
}

TEST_CASE("the shipped bundles lint clean", "[ctl]") {
  for (const auto name : {"ping", "feasibility"}) {
    const auto ran = dsfctl({"plugin", "lint", std::string(DSF_SOURCE_DIR) + "/processes/" + name + "/bundle"});
    INFO(ran.out);
    CHECK(ran.code == 0);
    CHECK(ran.out.find("no faults, 0 warnings") != std::string::npos);
  }
}

TEST_CASE("retention and store: tables for people, JSON for programs, and refusals that name the place", "[ctl]") {
  fake_port port;
  printed p;
  REQUIRE(ctl::retention_status(p.o, port).has_value());
  CHECK(p.out.str() ==
        "WHAT      AGE    REMOVED\n"
        "tasks     P30D         7\n"
        "binaries  never        0\n"
        "last sweep 2h ago, 0 ms; 4 since the start; next 2h ago\n"
        "1 failed, the last one: disk\n");
  p.out.str("");
  REQUIRE(ctl::retention_run(p.o, port, true).has_value());
  CHECK(p.out.str().find("WOULD GO") != std::string::npos);
  CHECK(p.out.str().find("looked at 9 in 3 ms") != std::string::npos);
  p.out.str("");
  p.o.json = true;
  REQUIRE(ctl::retention_run(p.o, port, false).has_value());
  CHECK(p.out.str() ==
        "{\"rules\":[{\"what\":\"tasks\",\"age\":\"P30D\",\"removed\":2},{\"what\":\"binaries\",\"age\":\"never\",\"removed\":0}],"
        "\"looked_at\":9,\"took_us\":3000,\"dry_run\":false}\n");
  p.out.str("");
  p.o.json = false;
  REQUIRE(ctl::store_backup(p.o, port, {"/b", {}, {}}).has_value());
  CHECK(p.out.str() == "backup of commit 4 in /b: 100 rows, 1000 B; 3 data keys left out\n");
  CHECK_FALSE(ctl::store_backup(p.o, port, {"full", {}, {}}).has_value());

  p.out.str("");
  p.o.width = 200;
  REQUIRE(ctl::store_restored(p.o, port).has_value());
  CHECK(p.out.str().find("unknown: connection refused") != std::string::npos);
  CHECK(p.out.str().find("2 messages to send, 1 Tasks to take up, 1 handlers to run again, 0 timers due\n") != std::string::npos);
  CHECK(ctl::store_release(p.o, port, false).error().text().find("--yes") != std::string::npos);
  REQUIRE(ctl::store_release(p.o, port, true).has_value());
  CHECK(port.asked == "release");

  folder f;
  const auto none = dsfctl({"store", "check", f / "none"});
  CHECK(none.code == 1);
  CHECK(none.err.find("there is no such folder") != std::string::npos);
  const auto no_backup = dsfctl({"store", "restore", f.path.string(), f / "store"});
  CHECK(no_backup.code == 1);
  CHECK(no_backup.err.find("no backup that was finished") != std::string::npos);
}
