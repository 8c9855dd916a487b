// `dsfctl audit`: reads the security audit log of a site, running or not.
#pragma once

#include <string>

#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

struct audit_command_options {
  std::string file;          // audit.file
  std::string since, until;  // ISO 8601, or how long ago: 24h, 7d
  std::string kind, outcome, organization;
  std::string format = "table";  // table, lines, bundle
};
base::result<> audit_show(ctl_output& o, const audit_command_options& options);

}  // namespace dsf::site::ctl
