// `dsfctl plugin`: what a running site has, and what authors of plugins need without one.
#pragma once

#include <string>
#include <vector>

#include "site/admin/admin_port.hpp"
#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

base::result<> plugin_deploy(ctl_output& o, admin_calls& site, const std::string& path);
base::result<> plugin_remove(ctl_output& o, admin_calls& site, const std::string& name, const std::string& version);
base::result<> plugin_list(ctl_output& o, admin_calls& site);
base::result<> plugin_state(ctl_output& o, admin_calls& site, const std::string& process, const std::string& state);

struct plugin_options {
  std::string path;
  std::string process, domain, program, version, testbed;
  std::vector<std::string> worker;    // command for tests that name none
  std::vector<std::string> settings;  // name=value
};
// Prints all faults and warnings; the error, if there are faults, only counts them.
base::result<> plugin_lint(ctl_output& o, const plugin_options& options);
base::result<> plugin_new(ctl_output& o, const plugin_options& options);
base::result<> plugin_inspect(ctl_output& o, const plugin_options& options);
// Deploys on a site of its own, then runs the bundle's tests and draft Tasks (docs/plugins.md, "Tests").
base::result<> plugin_test(ctl_output& o, const plugin_options& options);

}  // namespace dsf::site::ctl
