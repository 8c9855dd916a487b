// The handlers of the processes that come with dsfd, by the class names of DSF's and MII's own models.
#pragma once

#include "plugins/handler.hpp"

namespace dsf::processes {

void register_handlers(plugins::handler_registry& registry);

}  // namespace dsf::processes
