// The layers of load_settings(), one function each. Private to settings/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "site/settings/load.hpp"

namespace dsf::site {

struct layer {
  std::vector<assignment> assignments;
  std::vector<error> problems;
};

layer yaml_layer(const std::string& text, const std::string& file);
layer environment_layer(const std::map<std::string, std::string>& environment);
layer command_line_layer(const std::vector<std::pair<std::string, std::string>>& options);

// Names a text as written: fills row and key, reads the first line of a `_file` form. `base_folder`: what relative paths are relative to.
result<assignment> name_assignment(std::string name, std::vector<std::string> texts, std::string place, const std::string& base_folder);

// Rules that need more than one setting.
std::vector<error> check_together(site_config& config, const std::vector<assignment>& assignments);

}  // namespace dsf::site
