// Erases data by deleting their data key, and writes the store's files anew so that the key is in none of them (docs/decisions/erasure.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.hpp"
#include "storage/commit.hpp"
#include "storage/errors.hpp"

namespace dsf::storage {

class store;

// What an instance that has ended keeps sealed. Errors: not_found, if there is no such instance; erased, if it has no data key: nothing of it was
// sealed, or it was erased before; base::errc::invalid_argument while it lives. Whatever a failure of the last step leaves behind, the same call again
// clears up: after errc::erased too, the files are written anew.
result<void> erase_instance(store& in, std::uint64_t instance);
// All versions of a resource. They read like deleted ones. Refused: a Task that is not finished.
// `still`: what must hold when the key goes; else the error is that of the precondition, and nothing was erased.
result<void> erase_resource(store& in, const std::string& type, base::uuid id, std::vector<precondition> still = {});

}  // namespace dsf::storage
