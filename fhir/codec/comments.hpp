// XML comments in JSON, as HAPI FHIR writes them (DSTU1, json.html): members `fhir_comments` of elements and of the siblings `_name`.
// Java DSF 1.x sends them in what it deploys; they carry no data and are left out.
#pragma once

#include "base/json.hpp"

namespace dsf::fhir {

// Whether the text can have any; spares the walk for all others.
bool mentions_comments(std::string_view text);
void leave_out_comments(base::json& resource);

}  // namespace dsf::fhir
