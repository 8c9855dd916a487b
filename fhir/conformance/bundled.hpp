// The conformance resources that every DSF endpoint brings along (dsf-fhir-server 4.6). Texts of our own; the canonicals
// and codes are DSF's.
#pragma once

#include <span>
#include <string_view>

namespace dsf::fhir {

// JSON texts in the order in which they are to be loaded: NamingSystems, CodeSystems, ValueSets, StructureDefinitions, Subscriptions.
std::span<const std::string_view> bundled_resources();

}  // namespace dsf::fhir
