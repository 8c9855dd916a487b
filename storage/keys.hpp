// Keys of the row tables, without the table byte; for put_row, delete_row, row_is and store_view::rows(). All sort as the tuples they are made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {

// Instance ids: u64 = partition 16 | counter 48.
constexpr std::uint64_t make_instance(std::uint16_t partition, std::uint64_t counter) {
  return std::uint64_t{partition} << 48 | (counter & 0xffff'ffff'ffffULL);
}
constexpr std::uint16_t partition_of(std::uint64_t instance) { return static_cast<std::uint16_t>(instance >> 48); }

namespace keys {

std::string instance(std::uint64_t instance);  // S; prefix of E, V, J
std::string event(std::uint64_t instance, std::uint64_t number);  // E
std::string value(std::uint64_t instance, std::string_view sha256);  // V: the hash's 32 bytes
std::string journal(std::uint64_t instance, std::string_view activity);  // J
std::string business_key(std::uint16_t partition, std::string_view definition, std::string_view key);  // B
// C: `keys` are the correlation values; the prefix without instance finds all instances that wait for them.
std::string subscription_prefix(std::uint16_t partition, char kind, std::string_view name, const std::vector<std::string>& keys);
std::string subscription(std::uint16_t partition, char kind, std::string_view name, const std::vector<std::string>& keys,
                         std::uint64_t instance, std::string_view tail = {});
std::string timer(std::uint16_t partition, base::timestamp due, std::uint64_t instance, std::string_view tail = {});  // T
struct timer_key {
  std::uint16_t partition = 0;
  base::timestamp due;
  std::uint64_t instance = 0;
  std::string tail;
};
// False if the key is not one of T.
bool parse_timer(std::string_view key, timer_key& out);
std::string inbox_prefix(std::uint16_t partition);  // N
std::string inbox(std::uint16_t partition, std::uint64_t sequence, std::uint16_t number);
std::string outbox_prefix(std::string_view remote);  // X
std::string outbox(std::string_view remote, std::uint64_t number);
std::string cursor(std::string_view name);  // M: how far a follower of the feed has come, see store.hpp
std::string data_key(std::uint16_t partition, std::string_view owner);  // K
std::string instance_data_key(std::uint64_t instance);
std::string resource_data_key(std::string_view type, base::uuid id);

}  // namespace keys
}  // namespace dsf::storage
