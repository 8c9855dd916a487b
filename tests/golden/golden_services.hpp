// Services of handlers that use none.
#pragma once

#include <memory>

#include "plugins/handler.hpp"

namespace dsf::tests {

std::unique_ptr<plugins::services> golden_services();

}  // namespace dsf::tests
