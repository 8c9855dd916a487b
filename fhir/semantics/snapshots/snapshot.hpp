// Snapshots from differentials: the base's snapshot, with the differential laid over it (R4 profiling.html, elementdefinition.html).
#pragma once

#include <expected>
#include <functional>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "fhir/issue.hpp"

namespace dsf::fhir {

// StructureDefinitions by canonical; a pointer stays valid while snapshots are made, null: not known. R4's own need not be among them.
using definition_lookup = std::function<base::result<const base::json*>(std::string_view canonical)>;

// The list of ElementDefinitions, or everything that does not fit: with the canonical and the element id as expression, and a sentence.
// The definition's own snapshot, if it has one, is not looked at. At most 20,000 elements, and 32 levels.
std::expected<base::json, std::vector<issue>> make_snapshot(const base::json& definition, const definition_lookup& others);

// The definition with this snapshot, which stands before the differential.
base::json with_snapshot(const base::json& definition, base::json elements);

}  // namespace dsf::fhir
