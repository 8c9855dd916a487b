#include "processes/register.hpp"

#include "processes/allow_list/handlers.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/ping/handlers.hpp"
#include "processes/ping2/handlers.hpp"

namespace dsf::processes {

void register_handlers(plugins::handler_registry& registry) {
  allow_list::add_handlers(registry);
  ping::add_handlers(registry);
  ping2::add_handlers(registry);
  feasibility::add_handlers(registry);
}

}  // namespace dsf::processes
