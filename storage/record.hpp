// Stored forms of values. Every value starts with a format byte; if it is above 4 KiB or sealed the number of a data key follows, 0 if it is not sealed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "fhir/semantics/view.hpp"
#include "storage/errors.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {

inline constexpr std::size_t keyed_value_bytes = 4096;

// Of a value that is sealed under the data key of its instance or resource; there is one key an owner.
inline constexpr std::uint32_t owners_key = 1;

// Appends the head of a value whose content has `size` bytes. `key`: the number of its data key, 0 if it is not sealed.
void put_value_head(std::string& out, std::size_t size, std::uint32_t key = 0);
std::string to_value(std::string_view content, std::uint32_t key = 0);
// The content; damaged if the head is none of ours, or the content is sealed.
result<std::string_view> value_content(std::string_view value);
struct value_parts {
  std::uint32_t key = 0;
  std::string_view content;
};
result<value_parts> parse_value(std::string_view value);

// R and H: one version of a resource.
struct record {
  bool deleted = false;
  bool sealed = false;  // the body is a sealed u32 place of meta + body without version and time
  std::uint64_t version = 0;
  std::uint64_t sequence = 0;
  base::timestamp last_updated;
  std::uint32_t access_class = 0;
  std::uint32_t ordinal = 0;
  std::string_view body;  // served bytes
  std::string_view keys;  // index entries and unique keys, kept so that the next version can remove them; see put_keys
};
result<record> parse_record(std::string_view value);
// `body_size` bytes of body must be appended next, then the keys of `r`.
void put_record_head(std::string& out, const record& r, std::size_t body_size, std::size_t keys_size);

// The list of what a version put into the index.
void put_keys(std::string& out, const std::vector<fhir::index_entry>& index, const std::vector<fhir::unique_key>& unique);
struct key_list {
  struct entry {
    std::string_view name;  // parameter or rule
    std::string_view value;
    auto operator<=>(const entry&) const = default;
  };
  std::vector<entry> index;
  std::vector<entry> unique;
};
// The views point into `keys`.
result<key_list> parse_keys(std::string_view keys);

// S: what stands in front of an instance's snapshot.
struct instance_head {
  base::timestamp started;
  base::timestamp ended;
  std::uint64_t snapshot_event = 0;  // 0: no snapshot
};
std::string to_instance_value(const instance_head& head, std::string_view snapshot);
struct instance_record {
  instance_head head;
  std::string_view snapshot;
};
result<instance_record> parse_instance_value(std::string_view value);

// Whole keys, table byte included, of the tables that only the store writes.
namespace row_keys {
std::string of(table t, std::string_view rest);
std::string type_prefix(table t, std::string_view type);
std::string resource(std::string_view type, base::uuid id);
std::string history_prefix(std::string_view type, base::uuid id);
std::string history(std::string_view type, base::uuid id, std::uint64_t version);
std::string index_prefix(std::string_view type, std::string_view parameter);
void put_index(std::string& out, std::string_view type, std::string_view parameter, std::string_view value, std::uint32_t ordinal);
// The bound below which (or from which on) keys of values below (from) `value` lie.
std::string index_bound(std::string_view type, std::string_view parameter, std::string_view value);
std::string ordinal(std::string_view type, std::uint32_t ordinal);
std::string unique(std::string_view rule, std::string_view key);
std::string access_class(std::uint32_t number);
std::string feed(std::uint64_t sequence);
}  // namespace row_keys

// U: who owns a key.
std::string to_owner_value(base::uuid id, std::string_view type);
result<base::uuid> parse_owner_value(std::string_view value);
// O
struct ordinal_owner {
  base::uuid id;
  bool deleted = false;
};
std::string to_ordinal_value(const ordinal_owner& owner);
result<ordinal_owner> parse_ordinal_value(std::string_view value);

}  // namespace dsf::storage
