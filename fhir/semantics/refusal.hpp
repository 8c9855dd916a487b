// An answer with an OperationOutcome for whoever stops a request before the interactions.
#pragma once

#include <string>
#include <string_view>

#include "fhir/semantics/interaction.hpp"

namespace dsf::fhir {

// In the form that the request asks for; XML where it asks for none that there is.
reply refusal_reply(const interaction_request& request, int status, std::string_view code, std::string text);

}  // namespace dsf::fhir
