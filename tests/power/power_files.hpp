// A file system for RocksDB on which every kill is a power loss. What was appended but not synced is only in this process's memory, and a name that was
// made or changed stands under another name until its folder is synced; so SIGKILL loses both, as the plug would.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace dsf::tests {

// What the disk does about one request.
struct disk_answer {
  enum kind : std::uint8_t {
    well,
    full,  // no space left
    error,  // I/O error
    cut,  // the power goes: SIGKILL
  };
  kind is = well;
  double part = 0;  // of the bytes (append: those given; sync: those not synced yet) that the disk takes all the same, from the front
};

// Asked and told at each step, by any thread. Names are paths.
class disk_events {
public:
  virtual ~disk_events() = default;
  virtual disk_answer before_append(std::string_view file, std::string_view bytes) = 0;
  virtual disk_answer before_sync(std::string_view file) = 0;
  virtual void after_sync(std::string_view file) = 0;
  // A file is to be made or renamed, or a folder to be synced.
  virtual disk_answer before_name(std::string_view name) = 0;
  virtual disk_answer before_read(std::string_view file) = 0;
};

// Over the machine's file system. `events` may be null: then the disk is always well. What an earlier process left under names that were never
// durable is removed when its folder is first used. Deletions take effect at once, which is the worse order. RangeSync promises nothing and so does
// nothing. Mapped reading, direct I/O, files for reading and writing, links and re-used files: NotSupported. RocksDB's information log and its lock are
// the machine's.
std::shared_ptr<rocksdb::FileSystem> power_files(std::shared_ptr<disk_events> events = nullptr);

}  // namespace dsf::tests
