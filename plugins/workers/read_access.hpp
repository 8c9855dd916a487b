// DSF's read access tags on a resource (dsf-bpe 5.4, ReadAccessHelper).
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace dsf::plugins::workers {

struct read_access_role {
  std::string parent_organization;
  std::string system;  // empty: DSF's
  std::string code;
};

struct read_access {
  bool all = false;
  bool local = false;
  std::vector<std::string> organizations;  // identifiers
  std::vector<read_access_role> roles;
};

// Adds to meta.tag what is not there yet. Errors: no resource, an empty identifier.
base::result<base::json> add_read_access(base::json resource, const read_access& more);

}  // namespace dsf::plugins::workers
