// One ElementDefinition of a differential over that of the base. Private to the snapshots.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace dsf::fhir {

using fault_teller = std::function<void(std::string text)>;

// R4 elementdefinition.html, "Rules about ElementDefinition values": what a differential says replaces, narrows or is added. What does
// not fit is told, and left as the base has it. `source`: of new constraints. `new_slice`: it may stand as often as the base's element,
// whatever its whole has been narrowed to.
void lay_over(base::json& definition, const base::json& element, std::string_view source, bool new_slice, const fault_teller& fault);

// The root of a type's profile, over an element that has this profile: what it means, and its constraints.
void lay_profile_root_over(base::json& definition, const base::json& root);

}  // namespace dsf::fhir
