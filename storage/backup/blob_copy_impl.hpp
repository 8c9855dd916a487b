// Blobs on their way into a backup and out of it: sealed files, byte for byte.
#pragma once

#include <filesystem>

#include "storage/backup/manifest_impl.hpp"

namespace dsf::storage {

// The blob files below `from`, in the order of their names, copied to `to` unless that is empty, durable; counted and hashed. A folder that is missing has none.
result<row_tally> copy_blobs(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace dsf::storage
