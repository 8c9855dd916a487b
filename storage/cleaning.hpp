// Which files have to be rewritten so that what was removed leaves them.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "storage/fwd.hpp"
#include "storage/kv.hpp"

namespace dsf::storage {

struct file_range {
  family in = family::meta;
  key_range keys;
};

std::vector<file_range> ranges_of_type(std::string_view type);  // of purged resources
std::vector<file_range> ranges_of_instances(std::uint64_t first, std::uint64_t last);  // of forgotten instances
std::vector<file_range> ranges_of_data_keys();

// Has what was deleted before the call taken out of the files, see store::flush_and_compact(). Ends between two ranges once `stop` is set; the store must
// not be closed before it returns.
result<void> clean_files(store& of, std::span<const file_range> ranges, const std::atomic<bool>& stop);

}  // namespace dsf::storage
