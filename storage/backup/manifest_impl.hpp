// The file BACKUP: what a backup must hold.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "storage/errors.hpp"
#include "storage/kv.hpp"

namespace dsf::storage {

// Rows counted and hashed in the order of their keys.
struct row_tally {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  void add(std::string_view key, std::string_view value);
  bool operator==(const row_tally&) const = default;
};

struct backup_manifest {
  std::uint64_t store_format = 0;
  std::string release;
  std::string site;
  std::uint64_t sequence = 0;
  std::string taken;
  std::array<row_tally, family_count> families;
  row_tally blobs;  // files
};

// Durable; the last step of a backup.
result<void> write_manifest(const std::filesystem::path& backup, const backup_manifest& m);
// Says which part is wrong, or that the backup was never finished.
result<backup_manifest> read_manifest(const std::filesystem::path& backup);
bool has_manifest(const std::filesystem::path& folder);

}  // namespace dsf::storage
