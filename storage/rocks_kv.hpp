// The kv of a site: RocksDB in one folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "storage/kv.hpp"

namespace rocksdb {
class FileSystem;
}

namespace dsf::storage {

// docs/design.md, "Tables"
struct rocks_settings {
  std::size_t block_cache_bytes = 32 << 20;
  std::size_t write_buffers_bytes = 24 << 20;      // of all families together
  std::size_t log_total_bytes = 64 << 20;
  int open_files = 512;
  int background_jobs = 2;
};

// `create`: make the folder and an empty database if there is none. Read-only opens write nothing to the folder.
result<std::shared_ptr<kv>> open_rocks_kv(const std::filesystem::path& folder, const rocks_settings& settings, bool create, bool read_only);

// For tests: databases that are opened from here on, the repository's too, use `files` instead of the machine's file system. Null: the machine's again.
void use_rocks_file_system(std::shared_ptr<rocksdb::FileSystem> files);

}  // namespace dsf::storage
