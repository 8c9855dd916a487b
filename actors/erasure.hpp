// Erasing of a resource where a process engine may work with it (docs/decisions/erasure.md).
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/uuid.hpp"

namespace dsf::storage {
class store;
}

namespace dsf::actors {

// storage::erase_resource(), which refuses a Task that is not finished. Refused too: a Task of a process instance that runs, whose handlers may still
// read it; and one that changes meanwhile (a conflict, nothing was erased).
base::result<> erase_resource(storage::store& in, const std::string& type, base::uuid id);

}  // namespace dsf::actors
