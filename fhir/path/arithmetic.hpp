// + - * / div mod and unary minus of System values; private to this room. FHIRPath N1, 6.6
#pragma once

#include "fhir/path/evaluation.hpp"

namespace dsf::fhir::path {

// Nothing: the result is empty (overflow, division by zero, a date out of range).
result<std::optional<item>> arithmetic(const evaluation& run, const syntax& at, const item& a, const item& b);
result<std::optional<item>> negated(const evaluation& run, const syntax& at, const item& a);

}  // namespace dsf::fhir::path
