// Which slice a value belongs to (R4 profiling.html, "Slicing"). Private to the profiles.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/semantics/profiles/profile.hpp"

namespace dsf::fhir {

// A value of a resource, as rules see it.
struct value_ref {
  const base::json* value = nullptr;     // null: a primitive that has extensions only
  const base::json* sibling = nullptr;   // `_name` beside a primitive
  const value_form* form = nullptr;
};

// What a discriminator may ask outside of the value.
struct slice_scope {
  const base::json& resource;            // for references into it
  // Whether a value conforms to a profile.
  const std::function<bool(const value_ref&, const std::string& canonical)>& conforms;
};

// "type.coding.code", "$this", "resolve().code", "extension('url').value", "value.ofType(Coding)"; nothing: not understood.
std::optional<std::vector<path_step>> parse_path(std::string_view path);
// The tests of a slice from what its rules say where the discriminators point, or why there are none.
std::expected<std::vector<slice_test>, std::string> tests_of(const element_rule& whole, const element_rule& slice);
bool in_slice(const element_rule& slice, const value_ref& v, const slice_scope& scope);

// The resource inside `resource` (contained, or in the same Bundle) that a reference means; null if there is none.
const base::json* target_inside(const base::json& resource, std::string_view reference);
// "Patient" for "Patient/1", "https://x/fhir/Patient/1/_history/2"; empty: not to be seen.
std::string_view type_in_reference(std::string_view reference);

// R4 elementdefinition.html, pattern[x]: what the pattern has must be in the value; lists need a match for each item.
bool fits_pattern(const base::json& value, const base::json& pattern);
// Equal but for the order of members.
bool equal_values(const base::json& a, const base::json& b);
// For messages: a string as it is, anything else as JSON; long ones are cut.
std::string shown(const base::json& v);

}  // namespace dsf::fhir
