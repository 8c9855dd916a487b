// Tells the service manager (systemd, Type=notify) how the program stands; without one, nothing is sent.
#pragma once

#include <string_view>

namespace dsf::site {

// sd_notify(3): the service counts as started, or as reloaded, from here on.
void tell_ready(std::string_view status);
// New settings are being read; tell_ready ends it.
void tell_reloading();
void tell_stopping();

}  // namespace dsf::site
