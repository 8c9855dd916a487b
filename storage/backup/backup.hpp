// Backups of an open store, and their way back (docs/operator-guide.md, "Retention and backups").
//
// A backup is a folder: rows/ (RocksDB) with every row of one snapshot but table K, and BACKUP, which is written last and says what must be there. It
// is no store: dsfd does not open it. The wrapped data keys (K) go to a file of their own, and only when asked for: without them what is under a key
// can't be read, so what is erased later is erased in this backup, too, once that file is gone (docs/decisions/retention.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "storage/store.hpp"

namespace dsf::storage {

struct backup_progress {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of keys and values, not compressed
};
// Called now and then; false: stop.
using backup_watch = std::function<bool(const backup_progress&)>;

struct backup_report {
  std::uint64_t sequence = 0;  // of the last commit in it
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t keys = 0;  // rows of K that were written, or left out
};

// From one snapshot, while the store goes on. `destination` is made; if it exists it must be empty. `keys`: a new file outside of it, or empty. What
// was written is removed if it fails or is stopped.
result<backup_report> back_up(const store& from, const base::clock& time, const std::filesystem::path& destination,
                              const std::filesystem::path& keys, const backup_watch& watch);
// Row of table M in a store that `restore` made: when its backup was taken (ISO 8601). Who lets the site go on deletes it.
inline constexpr std::string_view restored_row = "restored/backup-taken";

// The data keys alone, as they are now; replaces what is in `file`.
result<backup_report> write_data_keys(const store& from, const std::filesystem::path& file);

// Makes a store of a backup in `destination`, which must be missing or empty; compares counts and checksums on the way. `keys`: a file of this store,
// not older than the backup; with one that is newer, what was erased in between stays erased. Empty: what is under a data key can't be read.
// On failure the destination holds no store.
result<backup_report> restore(const std::filesystem::path& backup, const std::filesystem::path& destination,
                              const std::filesystem::path& keys, const backup_watch& watch);

struct check_report {
  bool is_backup = false;
  std::uint64_t sequence = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t keys = 0;
};
// A backup, or a store that no program has open: files against their checksums, and every row; of a store the index, too (index_check.hpp).
result<check_report> check(const std::filesystem::path& backup_or_store, const backup_watch& watch);

}  // namespace dsf::storage
