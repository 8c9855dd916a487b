#include "processes/register.hpp"

#include "processes/feasibility/handlers.hpp"
#include "processes/ping/handlers.hpp"

namespace dsf::processes {

void register_handlers(plugins::handler_registry& registry) {
  ping::add_handlers(registry);
  feasibility::add_handlers(registry);
}

}  // namespace dsf::processes
