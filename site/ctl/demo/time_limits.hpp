// The time-outs and deadlines that processes leave to the site, for programs in which a message that is lost must hang instead of ending by a timer.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace dsf::site::ctl {

// Every placeholder of the models and manifests below the folder whose default is a duration in time (PT...), with `value` instead.
std::map<std::string, std::string> time_limits(const std::filesystem::path& processes, const std::string& value);

}  // namespace dsf::site::ctl
