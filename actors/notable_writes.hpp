// Which writes the endpoint's owner is told of (endpoint_options::on_notable_write).
#pragma once

#include <vector>

#include "actors/fhir_endpoint.hpp"

namespace dsf::actors {

std::vector<notable_write> notable_writes(const fhir::write_set& writes);

}  // namespace dsf::actors
