// `dsfctl data erase`: what an ended instance or a resource keeps under its data key, on a running site or in a store that no server has open
// (docs/decisions/erasure.md).
#pragma once

#include <string>

#include "site/admin/admin_port.hpp"
#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

struct erase_options {
  std::string store;  // empty: of the running site
  std::string master_key;  // empty: the store's own file
  std::string what;  // instance id, or Type/id
  bool yes = false;
};
base::result<> erase_instance(ctl_output& o, const erase_options& options);
base::result<> erase_resource(ctl_output& o, const erase_options& options);
// Either, on a running site.
base::result<> erase_on_site(ctl_output& o, admin_calls& site, const erase_options& options);

}  // namespace dsf::site::ctl
