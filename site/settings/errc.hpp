// Errors of the settings.
#pragma once

#include "base/result.hpp"

namespace dsf::site {

using base::error;
using base::fail;
using base::failure;
using base::result;

enum class settings_errc : std::uint16_t {
  unreadable,  // the file can't be read
  not_yaml,    // the file is not YAML
  unknown,     // no such setting
  duplicate,   // set twice at one place
  wrong,       // not of its type, or out of its range
  missing,     // required and not set
  refused,     // settings that must not stand together, or that the program never accepts
};
const base::error_domain& domain_of(settings_errc) noexcept;

}  // namespace dsf::site
