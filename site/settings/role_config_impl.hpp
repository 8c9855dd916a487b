#pragma once

#include <yaml-cpp/yaml.h>

#include "site/settings/role_config.hpp"

namespace dsf::site {

// For a node inside a larger file; `line_offset` is added to the node's own lines.
result<std::vector<fhir::practitioner_rule>> read_role_config(const YAML::Node& node, const std::string& place, int line_offset);

}  // namespace dsf::site
