// Settings from file, environment and command line: command line > DSFD_ variables > DSF's own variables (dsf_environment.hpp) > file > default.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "site/settings/setting.hpp"

namespace dsf::site {

// A setting as it was written, and where.
struct assignment {
  std::string name;  // concrete: feasibility.networks.all.obfuscate
  const setting* row = nullptr;
  std::string key;  // what stands for `*`
  std::vector<std::string> texts;  // one, or the items of a list
  std::string place;  // "site.yaml:12", "DSFD_STORE_PATH", "--store.path"; empty: the default
  bool from_file_form = false;  // set as <name>_file; texts[0] is the secret itself
  std::vector<fhir::practitioner_rule> rules;
};

// A variable of DSF that is no setting here, and why.
struct setting_note {
  std::string variable;
  std::string text;
};

struct settings_sources {
  std::string file;  // path of the YAML file; empty: none
  std::optional<std::string> file_text;  // its content, when it was read already (tests)
  std::map<std::string, std::string> environment;  // only names that begin with DSFD_ or DEV_DSF_ are looked at
  std::vector<std::pair<std::string, std::string>> command_line;  // setting name, value
};

struct loaded_settings {
  site_config config;
  std::vector<assignment> assignments;  // in the table's order; for config explain
  std::vector<setting_note> notes;  // one for each of DSF's variables that is set and has no meaning here
  std::vector<error> problems;  // empty: config may be used
};

// Reports all problems it finds, not only the first.
loaded_settings load_settings(const settings_sources& sources);

// The variables of this process whose names begin with DSFD_ or DEV_DSF_; DSFD_CONFIG (the file's path) is left out.
std::map<std::string, std::string> dsfd_environment(char** environment);

// The name most like `name`, if one is close enough to be meant.
std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> names);

}  // namespace dsf::site
