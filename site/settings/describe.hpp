// The settings table and loaded settings, for people.
#pragma once

#include <string>

#include "site/settings/load.hpp"

namespace dsf::site {

// `dsfd config explain`: name, value, and where it comes from; secrets are masked.
std::string explain_settings(const loaded_settings& settings);
// The part of --help that lists settings, `width` columns wide.
std::string settings_help(std::size_t width = 100);
// docs/settings.md
std::string settings_markdown();

}  // namespace dsf::site
