// What a store keeps about itself in table M, and what has to be read of it at opening. Reads nothing that grows with the number of instances.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/entropy.hpp"
#include "storage/applier_impl.hpp"
#include "storage/class_names.hpp"
#include "storage/id_cipher.hpp"

namespace dsf::storage {

// Instance ids are reserved in blocks of this many; what is left of a block at closing is never given out.
inline constexpr std::uint64_t instance_block = 1 << 20;
inline constexpr std::string_view instances_row = "store/instances";

struct store_rows {
  base::uuid site;
  id_cipher::key salt{};
  std::string created_by;
  std::uint64_t instances_reserved = 1;  // counters below this may have been given out
  applier::position last;
  std::uint64_t feed_first = 1;  // the first sequence the feed still has
  std::map<std::string, std::uint64_t, std::less<>> cursors;
  std::shared_ptr<class_names> classes = std::make_shared<class_names>();
};

// Nothing if no store was ever made in `rows`.
result<std::optional<store_rows>> read_store_rows(const kv_reader& rows);
// Synced.
result<void> make_store_rows(kv& rows, base::entropy& entropy, const std::string& release);
std::string to_number_value(std::uint64_t number);

}  // namespace dsf::storage
