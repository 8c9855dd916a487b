// FHIRPath Patch over a resource. R4 fhirpatch.html
#pragma once

#include "fhir/semantics/patch/json_patch.hpp"

namespace dsf::fhir {

// `parameters`: a Parameters resource whose parameters `operation` have the parts type, path, name, value, index, source and destination.
std::expected<base::json, patch_fault> apply_fhirpath_patch(base::json resource, const base::json& parameters,
                                                            const patch_limits& limits = {});

}  // namespace dsf::fhir
