// The file system below RocksDB: the machine's, or the one that use_rocks_file_system() named.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>

namespace dsf::storage {

// Held by each database for as long as it is open.
struct rocks_files {
  std::shared_ptr<rocksdb::FileSystem> system;
  std::shared_ptr<rocksdb::Env> env;  // hands file operations to `system`
};
rocks_files current_rocks_files();

}  // namespace dsf::storage
