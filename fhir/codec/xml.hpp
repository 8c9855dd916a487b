// FHIR XML. R4 xml.html
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "fhir/codec/reading.hpp"

namespace dsf::fhir {

// Parses XML and checks the resource as read_json() does. The result has the members of JSON, in the order of the definition, and loses
// nothing but comments, processing instructions and blanks between elements. DTDs and entities are refused.
reading read_xml(std::string_view text, const codec_limits& limits = {});

// The XML of a checked resource, elements in the order of the definition. Without XML declaration; UTF-8.
base::result<std::string> write_xml(const base::json& resource, bool pretty = false);

}  // namespace dsf::fhir
