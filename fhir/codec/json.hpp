// FHIR JSON. R4 json.html
#pragma once

#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/codec/reading.hpp"

namespace dsf::fhir {

// Parses and checks: known types and elements, single or array, primitive forms and lexical rules, siblings `_name`, nothing empty, one
// variant of a choice, required elements, required bindings of codes, narrative, contained resources.
reading read_json(std::string_view text, const codec_limits& limits = {});

// The checks alone, for a resource that did not come as text.
std::vector<issue> check(const base::json& resource, const codec_limits& limits = {});

}  // namespace dsf::fhir
