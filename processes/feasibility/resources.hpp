// The query's resources as the instance holds them.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "plugins/handler.hpp"

namespace dsf::processes::feasibility {

base::result<base::json> resource_variable(const plugins::activation& a, const char* name);
// The decoded Library.content of this type; an error when there is not exactly one.
base::result<std::string> library_content(const base::json& library, std::string_view content_type);

}  // namespace dsf::processes::feasibility
