// Log files that don't grow for ever.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/log.hpp"

namespace dsf::base {

// As file_log_sink(); when the file has grown to `max_bytes` it becomes `.1` (before its ending), that one `.2`, up to `keep`. 0 bytes: never.
std::shared_ptr<log_sink> rotating_log_sink(const std::string& path, std::size_t max_bytes, std::size_t keep);

}  // namespace dsf::base
