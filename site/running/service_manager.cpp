#include "site/running/service_manager.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace dsf::site {

// What sd_notify returns is not looked at: a service manager that can't be reached is its own to report.
void tell_ready(std::string_view status) { (void)sd_notify(0, fmt::format("READY=1\nSTATUS={}", status).c_str()); }

void tell_reloading() { (void)sd_notify(0, "RELOADING=1\nSTATUS=reads certificates, trust and roles again"); }

void tell_stopping() { (void)sd_notify(0, "STOPPING=1\nSTATUS=stops"); }

}  // namespace dsf::site
