// Wrapped data keys (table K) in a file beside a backup: text about the store, then the rows, then their number and checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "storage/errors.hpp"
#include "storage/kv.hpp"

namespace dsf::storage {

struct keys_head {
  std::string site;
  std::uint64_t sequence = 0;  // of the snapshot they are of
};

// Every row of K in `rows`; the file is readable for its owner only, and durable. `replace`: takes the place of one that is there; else that is refused.
result<std::uint64_t> write_keys_file(const kv_reader& rows, const keys_head& head, const std::filesystem::path& file, bool replace);

result<keys_head> read_keys_head(const std::filesystem::path& file);
// Calls `row` for each; an error if the file is not whole.
result<std::uint64_t> read_keys_file(const std::filesystem::path& file,
                                     const std::function<result<void>(std::string_view key, std::string_view value)>& row);

}  // namespace dsf::storage
