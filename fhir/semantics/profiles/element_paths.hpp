// Where the elements of a differential or snapshot belong (R4 elementdefinition.html, "Element Ids").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace dsf::fhir {

struct element_step {
  std::string name;    // "input", "value[x]"
  std::string slice;   // "message-name"; empty: the element itself
};
// Without the first step, which is the type.
using element_path = std::vector<element_step>;

// One path for each element. Ids decide, unless one of them is missing or says other than path and sliceName: then these decide for
// all, a slice being open until its element, or one above, comes again.
std::vector<element_path> paths_of(const base::json& elements);

// What a message calls it: its id, else its path.
const std::string& element_name(const base::json& element);

// The member with a typed name, as "fixedUri" has the prefix "fixed"; null if there is none.
const base::json::member* typed_member(const base::json& element, std::string_view prefix);

}  // namespace dsf::fhir
