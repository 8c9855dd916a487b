#include "storage/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/bytes.hpp"
#include "fhir/storable.hpp"
#include "storage/class_names.hpp"
#include "storage/record.hpp"
#include "storage/sealed_parts.hpp"

namespace dsf::storage {

store_view::store_view(std::shared_ptr<const kv_reader> rows, std::uint64_t sequence, std::shared_ptr<class_names> classes,
                       std::shared_ptr<const master_key> master)
    : rows_(std::move(rows)), sequence_(sequence), classes_(std::move(classes)), master_(std::move(master)) {}

result<std::optional<fhir::stored_resource>> store_view::decode(std::string_view type, base::uuid id, std::string_view value) const {
  auto parsed = parse_record(value);
  if (!parsed) return base::failure(std::move(parsed).error().at(fmt::format("{}/{}", type, id.to_string())));
  fhir::stored_resource out;
  out.type = type;
  out.id = id;
  out.version = parsed->version;
  out.last_updated = parsed->last_updated;
  out.deleted = parsed->deleted;
  if (!parsed->deleted && !parsed->sealed) out.bytes = std::make_shared<const std::string>(parsed->body);
  if (!parsed->deleted && parsed->sealed) {
    const auto place = [&](base::error e) { return base::failure(std::move(e).at(fmt::format("{}/{}", type, id.to_string()))); };
    const auto row = keys::resource_data_key(type, id);
    auto key = data_key_at(row);
    if (!key) return place(std::move(key).error());
    // What was erased reads like what was deleted: nobody gets it any more, and a new version may follow.
    if (!*key) {
      out.deleted = true;
    } else {
      auto plain = open_sealed(**key, parsed->body, row);
      if (!plain) return place(std::move(plain).error());
      const auto parts = sealed_parts_of(*plain);
      if (!parts) return place(base::error(errc::damaged, "a sealed resource does not read as one"));
      out.bytes = std::make_shared<const std::string>(
          fhir::splice(std::string(parts->body), parts->meta_at, parsed->version, parsed->last_updated));
    }
  }
  auto text = classes_->text_of(parsed->access_class);
  if (!text) return fail(errc::damaged, "its access class is not known", fmt::format("{}/{}", type, id.to_string()));
  out.access_class = std::move(*text);
  return out;
}

result<std::optional<blob>> store_view::blob_in(base::uuid binary, std::string_view record) const {
  const auto place = [&](base::error e) { return base::failure(std::move(e).at("Binary/" + binary.to_string())); };
  const auto parsed = parse_record(record);
  if (!parsed) return place(parsed.error());
  if (parsed->deleted || !parsed->sealed) return std::nullopt;
  const auto row = keys::resource_data_key("Binary", binary);
  const auto key = data_key_at(row);
  if (!key) return place(key.error());
  if (!*key) return std::nullopt;
  const auto plain = open_sealed(**key, parsed->body, row);
  if (!plain) return place(plain.error());
  const auto parts = sealed_parts_of(*plain);
  if (!parts) return place(base::error(errc::damaged, "a sealed resource does not read as one"));
  if (parts->aside.empty()) return std::nullopt;
  auto found = blob::from_bytes(parts->aside);
  if (!found) return place(std::move(found).error());
  return std::optional(*std::move(found));
}

result<std::optional<blob>> store_view::blob_of(base::uuid binary, std::uint64_t version) const {
  std::string value;
  if (TRY(rows_->find(family::res, row_keys::resource("Binary", binary), value)) && TRY(parse_record(value)).version == version)
    return blob_in(binary, value);
  if (!TRY(rows_->find(family::hist, row_keys::history("Binary", binary, version), value))) return std::nullopt;
  return blob_in(binary, value);
}

result<std::vector<blob>> store_view::blobs_of(base::uuid binary) const {
  std::vector<blob> out;
  const auto add = [&](std::string_view value) -> result<void> {
    auto one = TRY(blob_in(binary, value));
    if (one && std::ranges::find(out, one->id, &blob::id) == out.end()) out.push_back(*std::move(one));
    return {};
  };
  std::string value;
  if (TRY(rows_->find(family::res, row_keys::resource("Binary", binary), value))) TRY(add(value));
  result<void> broken;
  TRY(rows_->scan(family::hist, key_range::prefix(row_keys::history_prefix("Binary", binary), true),
                  [&](std::string_view, std::string_view v) {
                    broken = add(v);
                    return broken.has_value();
                  }));
  TRY(std::move(broken));
  return out;
}

result<std::optional<fhir::stored_resource>> store_view::current(std::string_view type, base::uuid id) const {
  std::string value;
  if (!TRY(rows_->find(family::res, row_keys::resource(type, id), value))) return std::nullopt;
  return decode(type, id, value);
}

result<store_view::cached_resource> store_view::current_cached(std::string_view type, base::uuid id) const {
  std::string value;
  switch (TRY(rows_->find_cached(family::res, row_keys::resource(type, id), value))) {
    case cached::unknown: return cached_resource{};
    case cached::absent: return cached_resource{true, std::nullopt};
    case cached::found: break;
  }
  if (TRY(parse_value(value)).key != 0) {
    std::string key;
    if (TRY(rows_->find_cached(family::meta, row_keys::of(table::data_key, keys::resource_data_key(type, id)), key)) == cached::unknown)
      return cached_resource{};
  }
  return cached_resource{true, TRY(decode(type, id, value))};
}

result<std::optional<fhir::stored_resource>> store_view::version(std::string_view type, base::uuid id, std::uint64_t version) const {
  std::string value;
  if (TRY(rows_->find(family::res, row_keys::resource(type, id), value))) {
    auto head = TRY(decode(type, id, value));
    if (head->version == version) return head;
    if (head->version < version) return std::nullopt;
  }
  if (!TRY(rows_->find(family::hist, row_keys::history(type, id, version), value))) return std::nullopt;
  return decode(type, id, value);
}

result<std::vector<fhir::stored_resource>> store_view::history(std::string_view type, base::uuid id, std::size_t limit) const {
  std::vector<fhir::stored_resource> out;
  result<void> broken;
  // ~version sorts the newest first.
  TRY(rows_->scan(family::hist, key_range::prefix(row_keys::history_prefix(type, id), true), [&](std::string_view, std::string_view value) {
    if (out.size() >= limit) return false;
    auto one = decode(type, id, value);
    if (!one) {
      broken = base::failure(std::move(one).error());
      return false;
    }
    out.push_back(std::move(**one));
    return true;
  }));
  TRY(std::move(broken));
  if (out.size() >= limit) return out;
  auto head = TRY(current(type, id));
  // A deletion that is the head stands in the history already.
  if (head && (out.empty() || out.back().version < head->version)) out.push_back(std::move(*head));
  return out;
}

result<std::optional<base::uuid>> store_view::id_of(std::string_view type, std::uint32_t ordinal) const {
  std::string value;
  if (!TRY(rows_->find(family::idx, row_keys::ordinal(type, ordinal), value)))
    return fail(errc::damaged, fmt::format("the index of {} refers to a resource that is not there", type));
  const auto owner = TRY(parse_ordinal_value(value));
  if (owner.deleted) return std::nullopt;
  return owner.id;
}

result<std::vector<base::uuid>> store_view::ids_in(std::string_view type, std::string_view parameter, std::string_view from,
                                                   std::string_view to, std::size_t limit) const {
  key_range range;
  range.from = row_keys::index_bound(type, parameter, from);
  range.to = to.empty() ? prefix_end(row_keys::index_prefix(type, parameter)) : row_keys::index_bound(type, parameter, to);
  std::vector<std::uint32_t> ordinals;
  std::unordered_set<std::uint32_t> seen;
  TRY(rows_->scan(family::idx, range, [&](std::string_view key, std::string_view) {
    if (ordinals.size() >= limit) return false;
    const auto ordinal = base::byte_reader(key.substr(key.size() - 4)).u32();
    if (seen.insert(ordinal).second) ordinals.push_back(ordinal);
    return true;
  }));
  std::vector<base::uuid> out;
  out.reserve(ordinals.size());
  for (const auto ordinal : ordinals)
    if (const auto id = TRY(id_of(type, ordinal))) out.push_back(*id);
  return out;
}

result<std::vector<base::uuid>> store_view::all_ids(std::string_view type, std::size_t limit) const {
  std::vector<base::uuid> out;
  result<void> broken;
  TRY(rows_->scan(family::idx, key_range::prefix(row_keys::type_prefix(table::ordinal, type)),
                  [&](std::string_view, std::string_view value) {
                    if (out.size() >= limit) return false;
                    const auto owner = parse_ordinal_value(value);
                    if (!owner) {
                      broken = base::failure(owner.error());
                      return false;
                    }
                    if (!owner->deleted) out.push_back(owner->id);
                    return true;
                  }));
  TRY(std::move(broken));
  return out;
}

result<std::optional<base::uuid>> store_view::unique_owner(std::string_view rule, std::string_view key) const {
  std::string value;
  if (!TRY(rows_->find(family::idx, row_keys::unique(rule, key), value))) return std::nullopt;
  return TRY(parse_owner_value(value));
}

}  // namespace dsf::storage
