#include "storage/dated.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "storage/class_names.hpp"
#include "storage/store_rows_impl.hpp"
#include "storage/view.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
constexpr std::size_t rows_a_batch = 10'000;

void put_time(std::string& out, base::timestamp t) { base::put_u64(out, static_cast<std::uint64_t>(t.us) ^ sign_bit); }

// Type and id of a key of R or H.
result<std::pair<std::string_view, base::uuid>> address_of(std::string_view key) {
  const auto end = key.find('\0');
  if (end == std::string_view::npos || key.size() < end + 17)
    return fail(errc::damaged, "a stored resource has a key that does not read as one");
  return std::pair(key.substr(1, end - 1), base::uuid::from_raw(key.substr(end + 1, 16)));
}

}  // namespace

namespace row_keys {
std::string dated(std::string_view type, base::timestamp time, base::uuid id) {
  auto out = type_prefix(table::dated, type);
  put_time(out, time);
  out += id.raw();
  return out;
}
}  // namespace row_keys

std::string to_dated_value(const record& r) {
  std::string content;
  base::put_u64(content, r.version);
  base::put_u32(content, r.access_class);
  base::put_u8(content, r.deleted ? 1 : 0);
  return to_value(content);
}

result<dated_row> parse_dated(std::string_view rest, std::string_view value) {
  base::byte_reader key(rest), in(TRY(value_content(value)));
  dated_row out;
  out.last_updated.us = static_cast<std::int64_t>(key.u64() ^ sign_bit);
  const auto id = key.take(16);
  out.version = in.u64();
  out.access_class = in.u32();
  out.deleted = in.u8() != 0;
  if (!key.at_end() || !in.at_end()) return fail(errc::damaged, "a stored value does not read as a version's place in the history");
  out.id = base::uuid::from_raw(id);
  return out;
}

result<void> date_old_versions(kv& rows) {
  const auto mark = row_keys::of(table::meta, dated_mark);
  std::string ignored;
  if (TRY(rows.find(family::meta, mark, ignored))) return {};
  write_batch batch;
  for (const auto in : {family::res, family::hist})
    for (key_range range;;) {
      result<void> broken;
      std::string last;
      TRY(rows.scan(in, range, [&](std::string_view key, std::string_view value) {
        const auto address = address_of(key);
        const auto r = parse_record(value);
        if (!address || !r) {
          broken = base::failure(address ? r.error() : address.error());
          return false;
        }
        batch.put(family::idx, row_keys::dated(address->first, r->last_updated, address->second), to_dated_value(*r));
        last = key;
        return batch.rows() < rows_a_batch;
      }));
      TRY(std::move(broken));
      const bool more = batch.rows() == rows_a_batch;
      if (!batch.empty()) TRY(rows.write(batch, false));
      batch.clear();
      if (!more) break;
      range.from = last + '\0';
    }
  batch.put(family::meta, mark, to_value(to_number_value(1)));
  return rows.write(batch, true);
}

result<std::vector<fhir::dated_version>> store_view::dated(std::string_view type, base::timestamp after, std::size_t limit) const {
  const auto prefix = row_keys::type_prefix(table::dated, type);
  auto range = key_range::prefix(prefix);
  if (after.us < INT64_MAX) {
    range.from = prefix;
    put_time(range.from, {after.us + 1});
  }
  std::vector<fhir::dated_version> out;
  result<void> broken;
  TRY(rows_->scan(family::idx, range, [&](std::string_view key, std::string_view value) {
    if (out.size() >= limit) return false;
    const auto row = parse_dated(key.substr(prefix.size()), value);
    if (!row) {
      broken = base::failure(row.error());
      return false;
    }
    const auto text = classes_->view_of(row->access_class);
    if (!text) {
      broken = fail(errc::damaged, "the access class of a version is not known", std::string(type) + "/" + row->id.to_string());
      return false;
    }
    out.push_back({row->last_updated, row->id, row->version, row->deleted, *text});
    return true;
  }));
  TRY(std::move(broken));
  return out;
}

}  // namespace dsf::storage
