// Looks at RocksDB's log files before RocksDB does. RocksDB takes some damaged logs for logs that merely end early and silently drops the rest; we
// accept a torn end, which a power loss leaves, and refuse everything else.
#pragma once

#include <filesystem>
#include <string_view>

#include "storage/errors.hpp"

namespace dsf::storage {

// One log file's bytes: blocks of 32 KiB with records of masked crc 4 | length 2 | type 1 | payload.
result<void> check_log(std::string_view bytes, std::string_view name);
// All *.log files of the folder.
result<void> check_logs(const std::filesystem::path& folder);

}  // namespace dsf::storage
