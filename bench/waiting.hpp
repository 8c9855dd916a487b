// engine.waiting_1m: many instances that wait, in a program of their own, so that its memory and its restart can be measured.
#pragma once

#include <filesystem>

#include "bench/commands.hpp"

namespace dsf::bench {

base::result<> measure_waiting(const engine_options& options, const std::filesystem::path& folder, report& out);

}  // namespace dsf::bench
