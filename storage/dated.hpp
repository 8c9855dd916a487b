// Table Y: every version of every resource, deletions too, by type and time; what histories of a type and of the server are read from.
#pragma once

#include <string>
#include <string_view>

#include "storage/kv.hpp"
#include "storage/record.hpp"

namespace dsf::storage {

inline constexpr std::string_view dated_mark = "store/dated";  // M: the table is whole

namespace row_keys {
std::string dated(std::string_view type, base::timestamp time, base::uuid id);
}  // namespace row_keys

std::string to_dated_value(const record& r);
struct dated_row {
  base::timestamp last_updated;
  base::uuid id;
  std::uint64_t version = 0;
  std::uint32_t access_class = 0;
  bool deleted = false;
};
// `rest` is what follows the type in the key.
result<dated_row> parse_dated(std::string_view rest, std::string_view value);

// A store that was made before there was this table gets its rows; nothing to do if they are there. Synced.
result<void> date_old_versions(kv& rows);

}  // namespace dsf::storage
