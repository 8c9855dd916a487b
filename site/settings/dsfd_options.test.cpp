#include <catch2/catch.hpp>
#include <sstream>

#include "site/settings/dsfd_options.hpp"

using namespace dsf::site;

namespace {
struct parsed {
  dsfd_command command;
  std::string out, err;
};
parsed dsfd(std::vector<const char*> arguments, std::vector<const char*> environment = {}) {
  arguments.insert(arguments.begin(), "dsfd");
  environment.push_back(nullptr);
  std::ostringstream out, err;
  auto command = parse_dsfd(static_cast<int>(arguments.size()), arguments.data(), const_cast<char**>(environment.data()), out, err);
  return {std::move(command), out.str(), err.str()};
}
}  // namespace

TEST_CASE("dsfd takes settings as options, with --set, and from the environment", "[dsfd]") {
  const auto p = dsfd({"--config", "x.yaml", "--status.port", "5", "--plugins.folders", "/a", "--plugins.folders", "/b", "--set",
                       "feasibility.stores.s.native=true", "--tls.server.key_password_file", "pw"},
                      {"DSFD_LOG_LEVEL=debug", "DSFD_CONFIG=other.yaml", "HOME=/root"});
  CHECK(p.command.action == dsfd_action::run);
  CHECK(p.command.sources.file == "x.yaml");
  CHECK(p.command.sources.environment == std::map<std::string, std::string>{{"DSFD_LOG_LEVEL", "debug"}});
  const std::vector<std::pair<std::string, std::string>> expected{{"plugins.folders", "/a"},
                                                                  {"plugins.folders", "/b"},
                                                                  {"status.port", "5"},
                                                                  {"tls.server.key_password_file", "pw"},
                                                                  {"feasibility.stores.s.native", "true"}};
  CHECK(p.command.sources.command_line == expected);
}

TEST_CASE("dsfd's help lists every setting; its sub-commands are told apart", "[dsfd]") {
  const auto help = dsfd({"--help"});
  CHECK(help.command.action == dsfd_action::exit_ok);
  for (const auto& row : settings_table()) CHECK(help.out.find(std::string(row.name)) != std::string::npos);
  CHECK(dsfd({"--version"}).out == "dsfd 0.1.0\n");
  CHECK(dsfd({"config", "check", "--config", "x"}).command.action == dsfd_action::check);
  CHECK(dsfd({"config", "explain", "--config", "x"}).command.sources.file == "x");
  CHECK(dsfd({"config", "docs"}).command.action == dsfd_action::docs);
}

TEST_CASE("dsfd refuses what it does not know", "[dsfd]") {
  CHECK(dsfd({"--stauts.port", "5"}).command.action == dsfd_action::exit_usage);
  CHECK(dsfd({"--set", "novalue"}).command.action == dsfd_action::exit_usage);
  CHECK(dsfd({"--set", "novalue"}).err == "dsfd: --set novalue: it must be NAME=VALUE\n");
  CHECK(dsfd({"config"}).command.action == dsfd_action::exit_usage);
}
