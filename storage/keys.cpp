#include "storage/keys.hpp"

#include "base/bytes.hpp"

namespace dsf::storage::keys {
namespace {

// Times before 1970 sort first too.
std::uint64_t ordered_time(base::timestamp t) { return static_cast<std::uint64_t>(t.us) ^ (std::uint64_t{1} << 63); }

}  // namespace

std::string instance(std::uint64_t instance) {
  std::string out;
  base::put_u64(out, instance);
  return out;
}

std::string event(std::uint64_t instance, std::uint64_t number) {
  std::string out;
  base::put_u64(out, instance);
  base::put_u64(out, number);
  return out;
}

std::string value(std::uint64_t instance, std::string_view sha256) {
  std::string out;
  base::put_u64(out, instance);
  out += sha256;
  return out;
}

std::string journal(std::uint64_t instance, std::string_view activity) {
  std::string out;
  base::put_u64(out, instance);
  out += activity;
  return out;
}

std::string business_key(std::uint16_t partition, std::string_view definition, std::string_view key) {
  std::string out;
  base::put_u16(out, partition);
  base::put_ordered(out, definition);
  out += key;
  return out;
}

std::string subscription_prefix(std::uint16_t partition, char kind, std::string_view name, const std::vector<std::string>& keys) {
  std::string out;
  base::put_u16(out, partition);
  out += kind;
  base::put_ordered(out, name);
  base::put_u8(out, static_cast<std::uint8_t>(keys.size()));
  for (const auto& key : keys) base::put_ordered(out, key);
  return out;
}

std::string subscription(std::uint16_t partition, char kind, std::string_view name, const std::vector<std::string>& keys,
                         std::uint64_t instance, std::string_view tail) {
  auto out = subscription_prefix(partition, kind, name, keys);
  base::put_u64(out, instance);
  out += tail;
  return out;
}

std::string timer(std::uint16_t partition, base::timestamp due, std::uint64_t instance, std::string_view tail) {
  std::string out;
  base::put_u16(out, partition);
  base::put_u64(out, ordered_time(due));
  base::put_u64(out, instance);
  out += tail;
  return out;
}

bool parse_timer(std::string_view key, timer_key& out) {
  base::byte_reader in(key);
  out.partition = in.u16();
  out.due.us = static_cast<std::int64_t>(in.u64() ^ (std::uint64_t{1} << 63));
  out.instance = in.u64();
  if (!in.ok()) return false;
  out.tail = in.rest();
  return true;
}

std::string inbox_prefix(std::uint16_t partition) {
  std::string out;
  base::put_u16(out, partition);
  return out;
}

std::string inbox(std::uint16_t partition, std::uint64_t sequence, std::uint16_t number) {
  auto out = inbox_prefix(partition);
  base::put_u64(out, sequence);
  base::put_u16(out, number);
  return out;
}

std::string outbox_prefix(std::string_view remote) {
  std::string out;
  base::put_ordered(out, remote);
  return out;
}

std::string outbox(std::string_view remote, std::uint64_t number) {
  auto out = outbox_prefix(remote);
  base::put_u64(out, number);
  return out;
}

std::string cursor(std::string_view name) { return "cursor/" + std::string(name); }

std::string data_key(std::uint16_t partition, std::string_view owner) {
  std::string out;
  base::put_u16(out, partition);
  out += owner;
  return out;
}

std::string instance_data_key(std::uint64_t instance) {
  std::string owner = "I";
  base::put_u64(owner, instance);
  return data_key(partition_of(instance), owner);
}

std::string resource_data_key(std::string_view type, base::uuid id) {
  std::string owner = "R";
  owner += type;
  owner += '\0';
  owner += id.raw();
  return data_key(0, owner);
}

}  // namespace dsf::storage::keys
