// From text to tree; private to this room.
#pragma once

#include "fhir/path/expression.hpp"
#include "fhir/path/syntax.hpp"

namespace dsf::fhir::path {

result<syntax> parse(std::string_view text, const compile_limits& limits);

}  // namespace dsf::fhir::path
