// The snapshots of R4's own StructureDefinitions, packed at build time from the R4 definitions (generate_snapshots.py).
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace dsf::fhir {

// The list of ElementDefinitions of "Task", "Coding", "SimpleQuantity"; null if R4 defines nothing of this name. Unpacked at each
// call: some milliseconds for the largest.
base::json base_snapshot(std::string_view name);

}  // namespace dsf::fhir
