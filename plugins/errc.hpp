#pragma once

#include "base/error.hpp"

namespace dsf::plugins {

enum class errc : std::uint16_t {
  http_status,      // an endpoint answered with an error status
  bad_answer,       // an endpoint answered with something that is not the expected FHIR resource
  not_configured,   // the site lacks what the handler needs
  not_on_allow_list,
  bad_bundle,       // a plugin bundle that can't be deployed
  bad_archive,      // a zip that can't be read or exceeds a limit
  no_such_process,  // a process that no plugin here has
  settings_win,     // the site's settings list the process, and that is not changed from outside
  plugin_in_use,    // a process of it may start or runs
  bad_mail,         // a mail that can't be one: subject, recipients, size
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::plugins
