#pragma once

#include "fhir/semantics/identity.hpp"
#include "net/http.hpp"

namespace dsf::actors {

// What the rules need of a client certificate (dsf-fhir-server 2.2).
fhir::certificate_facts facts_of(const net::peer& p);

}  // namespace dsf::actors
