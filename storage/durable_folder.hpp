// Folders that are still there after a power loss: a new name is durable only once the folder that holds it was synced.
#pragma once

#include <filesystem>

#include "storage/errors.hpp"

namespace dsf::storage {

// Makes `folder` and whatever is missing above it, and syncs what holds each of them; and what holds `folder` even if it was there, since the one
// who made it may have been killed before the sync.
result<void> make_durable_folder(const std::filesystem::path& folder);

}  // namespace dsf::storage
