// Errors of FHIRPath.
#pragma once

#include "base/error.hpp"

namespace dsf::fhir::path {

enum class errc : std::uint16_t {
  syntax,        // the text is no FHIRPath; the place is "line:column"
  unknown_name,  // no such function, variable or type
  type,          // an operand or argument has a type that the operator can't take
  cardinality,   // several items where one is needed
  limit,         // a named limit of this library
  unsupported,   // understood, but it needs something the caller did not give
  failed,        // a callback of the caller failed
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::fhir::path
