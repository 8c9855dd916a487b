// What a requester stores at its own endpoint before it starts feasibilityRequest: the Measure and the Library with both forms of the
// query (dsf-bpe 9.1, "Inputs").
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace dsf::processes::feasibility {

struct query_bundle {
  std::string_view ccdl;                 // structured query, JSON text
  std::string_view cql;
  std::string_view measure_url;          // urn:uuid:<new uuid>
  std::string_view library_url;          // urn:uuid:<new uuid>
  std::string_view parent_organization;  // its members with the role below may read both
  std::string_view reader_role = "DIC";
  std::string_view profile_version = "1.0";
};

// A transaction of two creates; the Measure comes first.
base::json measure_and_library_bundle(const query_bundle& q);

}  // namespace dsf::processes::feasibility
