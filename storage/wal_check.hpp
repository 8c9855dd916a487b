// Looks at RocksDB's log files before RocksDB does. RocksDB takes some damaged logs for logs that merely end early and silently drops the rest; we
// accept a torn end, which a power loss leaves, and refuse everything else.
#pragma once

#include <filesystem>
#include <string_view>

#include "storage/errors.hpp"

namespace rocksdb {
class FileSystem;
}

namespace dsf::storage {

// One log file's bytes: blocks of 32 KiB with records of masked crc 4 | length 2 | type 1 | payload.
result<void> check_log(std::string_view bytes, std::string_view name);
// All *.log files of the folder.
result<void> check_logs(rocksdb::FileSystem& files, const std::filesystem::path& folder);

// Where the first whole record begins whose rows come after row number `last_row`; the size if there is none. A record is one batch: number of its first
// row 8, rows 4 (little-endian), rows.
std::size_t end_of_batches(std::string_view bytes, std::uint64_t last_row);
// A write that failed at the sync may stand whole in the newest log, and would come to life at the next opening: it is cut off.
result<void> cut_newest_log(rocksdb::FileSystem& files, const std::filesystem::path& folder, std::uint64_t last_row);

}  // namespace dsf::storage
