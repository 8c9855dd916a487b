// dsfd's command line.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "site/settings/load.hpp"

namespace dsf::site {

enum class dsfd_action : std::uint8_t {
  run,
  exit_ok,     // help or version was printed
  exit_usage,  // the command line is wrong; said so
  check,       // `config check`
  explain,     // `config explain`
  docs,        // `config docs`
};

struct dsfd_command {
  dsfd_action action = dsfd_action::run;
  settings_sources sources;
};

dsfd_command parse_dsfd(int argc, const char* const* argv, char** environment, std::ostream& out, std::ostream& err);

}  // namespace dsf::site
