// What the generated file defines.
#pragma once

#include "fhir/model/model.hpp"

namespace dsf::fhir::tables {

extern const std::span<const type_info> all;  // sorted by name

}  // namespace dsf::fhir::tables
