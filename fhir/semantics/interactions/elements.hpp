// `_elements` (R4 search.html 3.1.1.5.4): the named elements of a resource, and those that must be there. Private to the interactions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace dsf::fhir {

// "a,b,c"
std::vector<std::string> element_names(std::string_view list);
// Tagged SUBSETTED, as what _summary makes is.
base::json only_elements(const base::json& resource, const std::vector<std::string>& names);

}  // namespace dsf::fhir
