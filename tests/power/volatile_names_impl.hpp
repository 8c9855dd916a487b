// Which file a name means to the living process, and under which name it stands on the disk until the folder is synced.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/power/volatile_file_impl.hpp"

namespace dsf::tests {

// All paths are in normal form. Thread-safe.
class volatile_names {
public:
  // Of a file that this process wrote or renamed; null for all others, whose bytes and names are as on the disk.
  std::shared_ptr<volatile_file> find(const std::string& name);
  // Null and NotFound if there is no such file.
  rocksdb::IOStatus open_existing(const std::string& name, std::shared_ptr<volatile_file>& out);
  // An empty file; a durable one of that name becomes empty.
  rocksdb::IOStatus create(const std::string& name, std::shared_ptr<volatile_file>& out);
  rocksdb::IOStatus rename(const std::string& from, const std::string& to);
  // At once and for good.
  rocksdb::IOStatus remove(const std::string& name);
  // Makes the names of a folder durable, one by one in the order in which they were made, as a journal does: a kill in between keeps the earlier ones.
  // RocksDB counts on that order. It names a new manifest in CURRENT and syncs the folder only once, afterwards.
  rocksdb::IOStatus publish(const std::string& folder);
  bool exists(const std::string& name);
  // What the living process sees, given what is on the disk.
  void correct_listing(const std::string& folder, std::vector<std::string>& names);

private:
  struct entry {
    std::string on_disk;
    std::shared_ptr<volatile_file> file;
    std::uint64_t changed = 0;  // when the name came to mean this file
  };
  // Once for each folder: what an earlier process left under names that were never durable.
  void enter(const std::string& folder);
  // The file on the disk under this name belongs, in the living process, to another name.
  [[nodiscard]] bool moved_away(const std::string& name) const;
  // A volatile name's file that nobody will find any more.
  void drop(const std::string& name);
  rocksdb::IOStatus open_locked(const std::string& name, std::shared_ptr<volatile_file>& out);

  std::mutex mutex_;
  std::map<std::string, entry> entries_;
  std::set<std::string> entered_;
  std::uint64_t next_ = 1;
};

}  // namespace dsf::tests
