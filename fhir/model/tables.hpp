// What the generated file defines.
#pragma once

#include "fhir/model/constraints.hpp"
#include "fhir/model/model.hpp"

namespace dsf::fhir::tables {

extern const std::span<const type_info> all;  // sorted by name
extern const std::span<const constrained> constraints;  // sorted by path

}  // namespace dsf::fhir::tables
