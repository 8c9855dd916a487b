// On which line of a FHIR file an element stands: what a validator says of "Task.input[2].type" becomes a place that an editor can open.
#pragma once

#include <string_view>

namespace dsf::plugins {

// Lines count from 1; of a path that is not wholly there, the line of the deepest part that is. JSON or XML, whichever the text begins with.
int line_of(std::string_view text, std::string_view expression);

}  // namespace dsf::plugins
