// What can be told of this host without asking anybody.
#pragma once

#include "base/clock.hpp"
#include "site/ctl/doctor/finding.hpp"
#include "site/settings/load.hpp"

namespace dsf::site::ctl {

// Settings, certificates with their usage and end, free disk, synchronisation of the clock.
findings examine_host(const loaded_settings& settings, base::timestamp now);

}  // namespace dsf::site::ctl
