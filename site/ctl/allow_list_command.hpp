// `dsfctl allow-list`: publishes a site's allow-list, and takes over that of a coordinating site (processes/allow_list).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "site/admin/admin_port.hpp"
#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

struct allow_list_options {
  std::string reference;  // https://coordinator/fhir/Bundle/<id>
  bool accept_own_changes = false;
  std::vector<std::string> accept_parents;
  std::uint32_t timeout_s = 300;
};
// Tells the difference; changes nothing if `dry_run`.
base::result<> allow_list_take(ctl_output& o, admin_calls& site, const allow_list_options& options, bool dry_run);
// Prints the reference that members need.
base::result<> allow_list_publish(ctl_output& o, admin_calls& site, const allow_list_options& options);

}  // namespace dsf::site::ctl
