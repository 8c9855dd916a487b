#include "storage/ages.hpp"

#include "base/bytes.hpp"
#include "storage/record.hpp"

namespace dsf::storage {

result<std::vector<instance_age>> instance_ages(const store_view& view, std::uint64_t from, std::size_t limit) {
  std::vector<instance_age> out;
  result<void> broken;
  auto range = key_range::prefix(std::string(1, static_cast<char>(table::snapshot)));
  range.from = row_keys::of(table::snapshot, keys::instance(from));
  TRY(view.below().scan(family::pi, range, [&](std::string_view key, std::string_view value) {
    const auto instance = base::byte_reader(key.substr(1)).u64();
    const bool is_snapshot = key.size() == 9;
    if (is_snapshot && out.size() >= limit) return false;
    if (is_snapshot) {
      const auto parsed = parse_instance_value(value);
      if (parsed)
        out.push_back({instance, parsed->head.started, {}, false});
      else
        broken = base::failure(parsed.error());
    } else if (!out.empty() && out.back().instance == instance) {
      const auto content = value_content(value);
      if (content)
        out.back().ended.us = static_cast<std::int64_t>(base::byte_reader(*content).u64());
      else
        broken = base::failure(content.error());
    }
    return broken.has_value();
  }));
  TRY(std::move(broken));
  std::string ignored;
  for (auto& one : out)
    one.has_data_key = TRY(view.below().find(family::meta, row_keys::of(table::data_key, keys::instance_data_key(one.instance)), ignored));
  return out;
}

result<std::vector<resource_age>> resource_ages(const store_view& view, std::string_view type, std::uint32_t from, std::size_t limit) {
  std::vector<resource_age> out;
  result<void> broken;
  const auto prefix = row_keys::type_prefix(table::ordinal, type);
  auto range = key_range::prefix(prefix);
  range.from = row_keys::ordinal(type, from);
  TRY(view.below().scan(family::idx, range, [&](std::string_view key, std::string_view value) {
    if (out.size() >= limit) return false;
    const auto owner = parse_ordinal_value(value);
    if (!owner) {
      broken = base::failure(owner.error());
      return false;
    }
    // The mark of a purged resource names nobody.
    if (owner->id != base::uuid{}) out.push_back({base::byte_reader(key.substr(prefix.size())).u32(), owner->id, 0, owner->deleted, {}});
    return true;
  }));
  TRY(std::move(broken));
  std::string value;
  for (auto& one : out) {
    if (!TRY(view.below().find(family::res, row_keys::resource(type, one.id), value)))
      return fail(errc::damaged, "a number of a resource names one that is not there", std::string(type) + "/" + one.id.to_string());
    const auto head = TRY(parse_record(value));
    one.version = head.version;
    one.last_updated = head.last_updated;
  }
  return out;
}

}  // namespace dsf::storage
