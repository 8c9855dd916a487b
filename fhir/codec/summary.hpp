// `_summary`: parts of a resource. R4 search.html 3.1.1.5.3, dsf-fhir-server 3.1
#pragma once

#include <optional>
#include <string_view>

#include "base/json.hpp"

namespace dsf::fhir {

enum class summary_mode { full, summary, text, data, count };

// "true", "text", "data", "count", "false"; nothing for anything else.
std::optional<summary_mode> parse_summary(std::string_view value);

// The part of a checked resource, tagged SUBSETTED; the resource itself for `full`. In a Bundle the entries' resources are reduced, and
// `count` leaves the entries out. Elements that must be there stay, so that the result is a valid resource.
base::json summarize(const base::json& resource, summary_mode mode);

}  // namespace dsf::fhir
