// `dsfctl log show`: an instance's events from a store that no server has open.
#pragma once

#include <cstdint>
#include <string>

#include "site/ctl/output.hpp"

namespace dsf::site::ctl {

struct log_options {
  std::string store;
  std::string instance;
  std::uint64_t from = 1;
};
base::result<> log_show(ctl_output& o, const log_options& options);

}  // namespace dsf::site::ctl
