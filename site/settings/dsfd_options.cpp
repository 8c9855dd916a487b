#include "site/settings/dsfd_options.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <ostream>

#include "site/settings/describe.hpp"
#include "site/version.hpp"

namespace dsf::site {
namespace {

std::string footer() {
  return "\nSettings, as --NAME VALUE, in the file, or as environment variable (store.path: DSFD_STORE_PATH); `*` is a name of your own "
         "and needs --set:\n" +
         settings_help();
}

}  // namespace

dsfd_command parse_dsfd(int argc, const char* const* argv, char** environment, std::ostream& out, std::ostream& err) {
  dsfd_command command;
  command.sources.environment = dsfd_environment(environment);

  CLI::App app("Runs one site of a Data Sharing Framework network: FHIR endpoint, process engine, repository.", "dsfd");
  app.footer(footer);
  std::string file;
  std::vector<std::string> assignments;
  std::map<std::string, std::vector<std::string>> options;
  app.add_option("--config", file, "settings file, YAML (DSFD_CONFIG)")->type_name("FILE")->envname("DSFD_CONFIG");
  app.add_option("--set", assignments, "any setting as NAME=VALUE; may be repeated")->type_name("NAME=VALUE");
  app.set_version_flag("--version", std::string("dsfd ") + std::string(release));
  for (const auto& row : settings_table()) {
    if (row.name.find('*') != std::string_view::npos) continue;
    const std::string name(row.name);
    // Their help stands in the footer, with type, range and default.
    app.add_option("--" + name, options[name])->group("");
    if (row.kind == setting_kind::secret) app.add_option("--" + name + "_file", options[name + "_file"])->group("");
  }
  auto* config = app.add_subcommand("config", "settings, without running");
  config->require_subcommand(1);
  config->fallthrough();
  for (const auto& [name, help, action] : {std::tuple{"check", "says what is wrong with the settings", dsfd_action::check},
                                           std::tuple{"explain", "each setting, its value, and where it comes from", dsfd_action::explain},
                                           std::tuple{"docs", "docs/settings.md", dsfd_action::docs}}) {
    auto* sub = config->add_subcommand(name, help);
    sub->fallthrough();
    sub->callback([&command, action = action] { command.action = action; });
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    command.action = app.exit(e, out, err) == 0 ? dsfd_action::exit_ok : dsfd_action::exit_usage;
    return command;
  }
  command.sources.file = file;
  for (const auto& [name, values] : options)
    for (const auto& value : values) command.sources.command_line.emplace_back(name, value);
  for (const auto& a : assignments) {
    const auto equals = a.find('=');
    if (equals == std::string::npos || equals == 0) {
      err << "dsfd: --set " << a << ": it must be NAME=VALUE\n";
      command.action = dsfd_action::exit_usage;
      return command;
    }
    command.sources.command_line.emplace_back(a.substr(0, equals), a.substr(equals + 1));
  }
  return command;
}

}  // namespace dsf::site
