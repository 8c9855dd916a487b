// The sample worker in Python that the demo starts: where it is, and whether this machine can run it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dsf::site::ctl {

// Debian's own: other Pythons on a machine do not see Debian's packages.
inline constexpr const char* python_program = "/usr/bin/python3";

// The program that has the handlers of ping, in the first of these copies of workers/python. An error says what is missing and how to mend it.
base::result<std::string> find_python_worker(const std::vector<std::filesystem::path>& places, const std::filesystem::path& scratch);

}  // namespace dsf::site::ctl
