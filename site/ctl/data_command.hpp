// `dsfctl data erase`: what an ended instance or a resource keeps under its data key, in a store that no server has open
// (docs/decisions/erasure.md).
#pragma once

#include <string>

#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

struct erase_options {
  std::string store;
  std::string master_key;  // empty: the store's own file
  std::string what;        // instance id, or Type/id
  bool yes = false;
};
base::result<> erase_instance(ctl_output& o, const erase_options& options);
base::result<> erase_resource(ctl_output& o, const erase_options& options);

}  // namespace dsf::site::ctl
