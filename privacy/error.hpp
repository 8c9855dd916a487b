// What can go wrong in privacy/.
#pragma once

#include "base/result.hpp"

namespace dsf::privacy {

enum class errc : std::uint16_t {
  query,         // a CCDL document that breaks its schema
  mapping,       // a mapping or ontology tree file that can't be used
  not_mapped,    // the query asks for something the mapping or the tree does not know
  unsupported,   // understood, but not evaluated natively
  resource,      // a clinical resource that can't be indexed
  limit,         // a named limit was exceeded
  corrupt,       // a stored index that does not check out
  argument,      // a number outside its range
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::privacy
