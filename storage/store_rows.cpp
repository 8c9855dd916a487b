#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/dated.hpp"
#include "storage/store.hpp"
#include "storage/store_folder_impl.hpp"
#include "storage/store_rows_impl.hpp"

namespace dsf::storage {
namespace {

std::string meta_key(std::string_view name) { return row_keys::of(table::meta, name); }

result<std::string> need(const kv_reader& rows, std::string_view name) {
  std::string value;
  if (!TRY(rows.find(family::meta, meta_key(name), value)))
    return fail(errc::damaged, fmt::format("the store lacks its row '{}'. Restore it from a backup", name));
  return std::string(TRY(value_content(value)));
}

result<std::uint64_t> need_number(const kv_reader& rows, std::string_view name) {
  const auto bytes = TRY(need(rows, name));
  base::byte_reader in(bytes);
  const auto number = in.u64();
  if (!in.at_end())
    return fail(errc::damaged, fmt::format("the store's row '{}' does not read as a number. Restore it from a backup", name));
  return number;
}

result<void> read_classes(const kv_reader& rows, class_names& into) {
  result<void> broken;
  TRY(rows.scan(family::idx, key_range::prefix(std::string(1, static_cast<char>(table::access_class))),
                [&](std::string_view key, std::string_view value) {
                  const auto text = value_content(value);
                  const auto number = base::byte_reader(key.substr(1)).u32();
                  if (!text || into.add(*text) != number) {
                    broken = fail(errc::damaged,
                                  fmt::format("the store's access class {} does not read as one. Restore it from a backup", number));
                    return false;
                  }
                  return true;
                }));
  return broken;
}

result<void> read_feed_ends(const kv_reader& rows, store_rows& into) {
  const auto all = key_range::prefix(std::string(1, static_cast<char>(table::feed)));
  result<void> broken;
  TRY(rows.scan(family::feed, {all.from, all.to, true}, [&](std::string_view key, std::string_view value) {
    const auto entry = decode_feed(base::byte_reader(key.substr(1)).u64(), value);
    // The versions of a commit take one microsecond each.
    if (entry)
      into.last = {entry->sequence, {entry->time.us + static_cast<std::int64_t>(entry->resources.size())}};
    else
      broken = base::failure(entry.error());
    return false;
  }));
  TRY(rows.scan(family::feed, all, [&](std::string_view key, std::string_view) {
    into.feed_first = base::byte_reader(key.substr(1)).u64();
    return false;
  }));
  return broken;
}

result<void> read_cursors(const kv_reader& rows, store_rows& into) {
  result<void> broken;
  TRY(rows.scan(family::meta, key_range::prefix(meta_key(cursor_rows)), [&](std::string_view key, std::string_view value) {
    const auto content = value_content(value);
    if (!content) {
      broken = base::failure(content.error());
      return false;
    }
    into.cursors.emplace(std::string(key.substr(1)), base::byte_reader(*content).u64());
    return true;
  }));
  return broken;
}

}  // namespace

std::string to_number_value(std::uint64_t number) {
  std::string out;
  base::put_u64(out, number);
  return out;
}

result<std::optional<store_rows>> read_store_rows(const kv_reader& rows) {
  std::string ignored;
  if (!TRY(rows.find(family::meta, meta_key("store/format"), ignored))) {
    bool any = false;
    for (std::size_t f = 0; f < family_count && !any; ++f)
      TRY(rows.scan(static_cast<family>(f), {}, [&](std::string_view, std::string_view) {
        any = true;
        return false;
      }));
    if (any) return fail(errc::not_a_store, "these rows are not those of a dsfd store: they name no format");
    return std::nullopt;
  }
  store_rows out;
  const auto format = TRY(need_number(rows, "store/format"));
  out.created_by = TRY(need(rows, "store/release"));
  if (format > format_version && !DSF_MUTANT("storage.newer_format_accepted")) return newer_format({}, out.created_by, format);
  const auto site = TRY(need(rows, "store/site"));
  const auto salt = TRY(need(rows, "store/salt"));
  if (site.size() != 16 || salt.size() != 16)
    return fail(errc::damaged, "the store's rows about itself have a wrong length. Restore it from a backup");
  out.site = base::uuid::from_raw(site);
  base::byte_reader in(salt);
  out.salt[0] = in.u64();
  out.salt[1] = in.u64();
  out.instances_reserved = TRY(need_number(rows, instances_row));
  TRY(read_classes(rows, *out.classes));
  TRY(read_feed_ends(rows, out));
  TRY(read_cursors(rows, out));
  return out;
}

result<void> make_store_rows(kv& rows, base::entropy& entropy, const std::string& release) {
  write_batch batch;
  const auto put = [&](std::string_view name, std::string_view content) { batch.put(family::meta, meta_key(name), to_value(content)); };
  put("store/format", to_number_value(format_version));
  put("store/release", release);
  put("store/site", base::uuid::random(entropy).raw());
  std::string salt;
  base::put_u64(salt, entropy.u64());
  base::put_u64(salt, entropy.u64());
  put("store/salt", salt);
  put(instances_row, to_number_value(1));
  put(dated_mark, to_number_value(1));
  return rows.write(batch, true);
}

}  // namespace dsf::storage
