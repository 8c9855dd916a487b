// The resources of a Bundle, as a repository keeps them.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "storage/errors.hpp"

namespace dsf::storage {

// A Bundle's resources, or the document itself when it is no Bundle. An entry without an id gets the UUID of its fullUrl; references to
// a fullUrl (urn:uuid:...) become Type/id (R4, Bundle, "resolving references").
result<std::vector<base::json>> resources_of(base::json document);

}  // namespace dsf::storage
