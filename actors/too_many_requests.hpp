// The answer to a caller who has to wait.
#pragma once

#include <optional>
#include <string>

#include "net/http.hpp"

namespace dsf::actors {

// 429 with Retry-After (RFC 6585, 4) and an OperationOutcome in the form that `accept` asks for.
net::response too_many_requests(std::optional<std::string> accept, int wait_s);

}  // namespace dsf::actors
