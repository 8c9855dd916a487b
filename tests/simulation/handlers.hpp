// Handlers of the simulation's own processes (bundle/). They fail, wait and look at what they get.
#pragma once

#include "plugins/handler.hpp"

namespace dsf::simulation {

inline constexpr std::string_view output_codes = "http://simulation.test/fhir/CodeSystem/output";

void add_handlers(plugins::handler_registry& registry);

}  // namespace dsf::simulation
