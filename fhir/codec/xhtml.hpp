// Narrative: the XHTML div of Narrative.div. R4 narrative.html
#pragma once

#include <string>
#include <string_view>

namespace dsf::fhir {

// Empty when `text` is one well-formed <div> of XHTML without active content; otherwise the rest of a sentence.
std::string xhtml_fault(std::string_view text);

}  // namespace dsf::fhir
