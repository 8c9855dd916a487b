// Lexical rules of the FHIR primitives. R4 datatypes.html, "Primitive Types"
#pragma once

#include <cstddef>
#include <string_view>

#include "fhir/model/model.hpp"

namespace dsf::fhir {

// How a primitive stands in JSON.
enum class json_form { string, number, boolean };
json_form json_form_of(primitive p);

// string and markdown: at most 1 MiB. R4 datatypes.html, string
constexpr std::size_t max_string_bytes = 1u << 20;

// Empty when `text` is a value of that primitive; otherwise the rest of a sentence: "is not a date (YYYY, YYYY-MM or YYYY-MM-DD)".
// xhtml is not looked into; see xhtml.hpp.
std::string_view lexical_fault(primitive p, std::string_view text);

}  // namespace dsf::fhir
