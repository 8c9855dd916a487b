// Errors of the FHIR data library.
#pragma once

#include "base/error.hpp"

namespace dsf::fhir {

enum class errc : std::uint16_t {
  not_json,          // the text is not JSON
  not_xml,           // the text is not well-formed XML, or uses what is refused (DTD, unknown entity, other encoding)
  invalid_resource,  // well-formed, but not a valid R4 resource; the place is the element path
  limit,             // a named limit of the codec
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::fhir
