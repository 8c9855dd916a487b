#include "storage/record.hpp"

#include "base/bytes.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint8_t plain_format = 0x01;
constexpr std::uint8_t keyed_format = 0x81;
constexpr std::size_t record_head_bytes = 1 + 8 + 8 + 8 + 4 + 4 + 4;

base::failure bad(std::string_view what) {
  return fail(errc::damaged, std::string("a stored value does not read as ") + std::string(what));
}

void put_text(std::string& out, std::string_view text) {
  base::put_u32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

}  // namespace

void put_value_head(std::string& out, std::size_t size, std::uint32_t key) {
  const bool keyed = size > keyed_value_bytes || key != 0;
  base::put_u8(out, keyed ? keyed_format : plain_format);
  if (keyed) base::put_u32(out, key);
}

std::string to_value(std::string_view content, std::uint32_t key) {
  std::string out;
  out.reserve(content.size() + 5);
  put_value_head(out, content.size(), key);
  out += content;
  return out;
}

result<value_parts> parse_value(std::string_view value) {
  if (value.empty()) return bad("a value: it is empty");
  const auto format = static_cast<std::uint8_t>(value[0]);
  if (format == plain_format) return value_parts{0, value.substr(1)};
  if (format != keyed_format || value.size() < 5) return bad("a value of a known format");
  base::byte_reader in(value.substr(1));
  const auto key = in.u32();
  if (key > owners_key) return bad("a value under a data key that this program knows");
  return value_parts{key, in.rest()};
}

result<std::string_view> value_content(std::string_view value) {
  const auto parts = TRY(parse_value(value));
  if (parts.key != 0) return bad("a value that is not sealed");
  return parts.content;
}

void put_record_head(std::string& out, const record& r, std::size_t body_size, std::size_t keys_size) {
  out.reserve(out.size() + 5 + record_head_bytes + body_size + keys_size);
  put_value_head(out, record_head_bytes + body_size + keys_size, r.sealed ? owners_key : 0);
  base::put_u8(out, r.deleted ? 1 : 0);
  base::put_u64(out, r.version);
  base::put_u64(out, r.sequence);
  base::put_u64(out, static_cast<std::uint64_t>(r.last_updated.us));
  base::put_u32(out, r.access_class);
  base::put_u32(out, r.ordinal);
  base::put_u32(out, static_cast<std::uint32_t>(body_size));
}

result<record> parse_record(std::string_view value) {
  const auto parts = TRY(parse_value(value));
  base::byte_reader in(parts.content);
  record r;
  r.sealed = parts.key != 0;
  r.deleted = in.u8() != 0;
  r.version = in.u64();
  r.sequence = in.u64();
  r.last_updated.us = static_cast<std::int64_t>(in.u64());
  r.access_class = in.u32();
  r.ordinal = in.u32();
  r.body = in.take(in.u32());
  if (!in.ok()) return bad("a resource");
  r.keys = in.rest();
  return r;
}

void put_keys(std::string& out, const std::vector<fhir::index_entry>& index, const std::vector<fhir::unique_key>& unique) {
  base::put_u32(out, static_cast<std::uint32_t>(index.size()));
  base::put_u32(out, static_cast<std::uint32_t>(unique.size()));
  for (const auto& e : index) {
    put_text(out, e.parameter);
    put_text(out, e.value);
  }
  for (const auto& k : unique) {
    put_text(out, k.rule);
    put_text(out, k.key);
  }
}

result<key_list> parse_keys(std::string_view keys) {
  key_list out;
  if (keys.empty()) return out;
  base::byte_reader in(keys);
  const auto entries = in.u32();
  const auto unique = in.u32();
  const auto read = [&](std::uint32_t n, std::vector<key_list::entry>& into) {
    into.reserve(std::min<std::size_t>(n, keys.size() / 8));
    for (std::uint32_t i = 0; i < n && in.ok(); ++i) {
      const auto name = in.take(in.u32());
      const auto value = in.take(in.u32());
      into.push_back({name, value});
    }
  };
  read(entries, out.index);
  read(unique, out.unique);
  if (!in.at_end()) return bad("a list of index entries");
  return out;
}

std::string to_instance_value(const instance_head& head, std::string_view snapshot) {
  std::string out;
  out.reserve(snapshot.size() + 32);
  put_value_head(out, snapshot.size() + 24);
  base::put_u64(out, static_cast<std::uint64_t>(head.started.us));
  base::put_u64(out, static_cast<std::uint64_t>(head.ended.us));
  base::put_u64(out, head.snapshot_event);
  out += snapshot;
  return out;
}

result<instance_record> parse_instance_value(std::string_view value) {
  base::byte_reader in(TRY(value_content(value)));
  instance_record r;
  r.head.started.us = static_cast<std::int64_t>(in.u64());
  r.head.ended.us = static_cast<std::int64_t>(in.u64());
  r.head.snapshot_event = in.u64();
  if (!in.ok()) return bad("an instance");
  r.snapshot = in.rest();
  return r;
}

std::string to_owner_value(base::uuid id, std::string_view type) {
  std::string out(1, static_cast<char>(plain_format));
  out += id.raw();
  out += type;
  return out;
}

result<base::uuid> parse_owner_value(std::string_view value) {
  base::byte_reader in(TRY(value_content(value)));
  const auto id = in.take(16);
  if (!in.ok()) return bad("the owner of a unique key");
  return base::uuid::from_raw(id);
}

std::string to_ordinal_value(const ordinal_owner& owner) {
  std::string out(1, static_cast<char>(plain_format));
  out += owner.id.raw();
  base::put_u8(out, owner.deleted ? 1 : 0);
  return out;
}

result<ordinal_owner> parse_ordinal_value(std::string_view value) {
  base::byte_reader in(TRY(value_content(value)));
  const auto id = in.take(16);
  const auto deleted = in.u8();
  if (!in.at_end()) return bad("the owner of an ordinal");
  return ordinal_owner{base::uuid::from_raw(id), deleted != 0};
}

namespace row_keys {

std::string of(table t, std::string_view rest) {
  std::string out;
  out.reserve(rest.size() + 1);
  out += static_cast<char>(t);
  out += rest;
  return out;
}

std::string type_prefix(table t, std::string_view type) {
  std::string out;
  out.reserve(type.size() + 28);
  out += static_cast<char>(t);
  out += type;
  out += '\0';
  return out;
}

std::string resource(std::string_view type, base::uuid id) {
  auto out = type_prefix(table::resource, type);
  out += id.raw();
  return out;
}

std::string history_prefix(std::string_view type, base::uuid id) {
  auto out = type_prefix(table::history, type);
  out += id.raw();
  return out;
}

std::string history(std::string_view type, base::uuid id, std::uint64_t version) {
  auto out = history_prefix(type, id);
  base::put_u64(out, ~version);
  return out;
}

std::string index_prefix(std::string_view type, std::string_view parameter) {
  auto out = type_prefix(table::index, type);
  out += parameter;
  out += '\0';
  return out;
}

void put_index(std::string& out, std::string_view type, std::string_view parameter, std::string_view value, std::uint32_t ordinal) {
  out += static_cast<char>(table::index);
  out += type;
  out += '\0';
  out += parameter;
  out += '\0';
  base::put_ordered(out, value);
  base::put_u32(out, ordinal);
}

std::string index_bound(std::string_view type, std::string_view parameter, std::string_view value) {
  auto out = index_prefix(type, parameter);
  base::put_ordered(out, value);
  out.resize(out.size() - 2);  // without the closing mark it sorts at or before every value that starts so
  return out;
}

std::string ordinal(std::string_view type, std::uint32_t ordinal) {
  auto out = type_prefix(table::ordinal, type);
  base::put_u32(out, ordinal);
  return out;
}

std::string unique(std::string_view rule, std::string_view key) {
  auto out = type_prefix(table::unique, rule);
  out += key;
  return out;
}

std::string access_class(std::uint32_t number) {
  std::string out(1, static_cast<char>(table::access_class));
  base::put_u32(out, number);
  return out;
}

std::string feed(std::uint64_t sequence) {
  std::string out(1, static_cast<char>(table::feed));
  base::put_u64(out, sequence);
  return out;
}

}  // namespace row_keys
}  // namespace dsf::storage
