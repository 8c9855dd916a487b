// Operations on resources: versions, history, index, unique keys.
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/storable.hpp"
#include "storage/applier_impl.hpp"
#include "storage/dated.hpp"

namespace dsf::storage {
namespace {

constexpr std::uint64_t versions_erased_one_by_one = 1'000;

}  // namespace

// The version before moves to the history, without its list of index entries.
void applier::keep_version(work& w, std::string_view type, base::uuid id, const record& old) {
  if (DSF_MUTANT("storage.history_row_missing")) return;
  std::string value;
  put_record_head(value, old, old.body.size(), 0);
  value += old.body;
  auto key = row_keys::history(type, id, old.version);
  w.batch.put(family::hist, key, value);
  group_versions_.insert_or_assign(std::move(key), old.last_updated);
}

void applier::date_version(work& w, std::string_view type, base::uuid id, const record& r) {
  w.batch.put(family::idx, row_keys::dated(type, r.last_updated, id), to_dated_value(r));
  group_versions_.insert_or_assign(row_keys::history(type, id, r.version), r.last_updated);
}

// The rows of table Y are found by the times of the versions: those that are stored, and those that this group has put.
result<void> applier::undate_versions(work& w, std::string_view type, base::uuid id, const record& head) {
  const auto prefix = row_keys::history_prefix(type, id);
  const auto erase = [&](base::timestamp time) { w.batch.erase(family::idx, row_keys::dated(type, time, id)); };
  erase(head.last_updated);
  for (auto at = group_versions_.lower_bound(prefix); at != group_versions_.end() && at->first.starts_with(prefix); ++at) erase(at->second);
  result<void> broken;
  TRY(rows_->scan(family::hist, key_range::prefix(prefix), [&](std::string_view, std::string_view value) {
    const auto r = parse_record(value);
    if (r)
      erase(r->last_updated);
    else
      broken = base::failure(r.error());
    return r.has_value();
  }));
  return broken;
}

// Both lists are sorted; entries that stay are not written again.
void applier::diff_index(work& w, std::string_view type, std::uint32_t ordinal, const std::vector<fhir::index_entry>& now,
                         const key_list& before) {
  static constexpr std::string_view no_content("\x01", 1);
  auto n = now.begin();
  auto b = before.index.begin();
  const auto row = [&](std::string_view parameter, std::string_view value, bool put) {
    key_.clear();
    row_keys::put_index(key_, type, parameter, value, ordinal);
    if (put)
      w.batch.put(family::idx, key_, no_content);
    else if (!DSF_MUTANT("storage.index_entry_not_removed"))
      w.batch.erase(family::idx, key_);
    changed_.push_back({type, parameter, value});
  };
  while (n != now.end() || b != before.index.end()) {
    if (b == before.index.end()) {
      row(n->parameter, n->value, true);
      ++n;
      continue;
    }
    if (n == now.end()) {
      row(b->name, b->value, false);
      ++b;
      continue;
    }
    const auto order = std::pair<std::string_view, std::string_view>(n->parameter, n->value) <=> std::pair(b->name, b->value);
    if (order < 0) {
      row(n->parameter, n->value, true);
      ++n;
    } else if (order > 0) {
      row(b->name, b->value, false);
      ++b;
    } else {
      ++n;
      ++b;
    }
  }
}

result<void> applier::take_unique(work& w, const put_resource& op, const key_list& before) {
  for (const auto& k : op.unique) {
    const auto key = row_keys::unique(k.rule, k.key);
    auto* slot = TRY(cache_.load(family::idx, key));
    if (slot->present) {
      const auto owner = TRY(parse_owner_value(slot->value));
      if (owner == op.id) continue;
      return fail(errc::unique_conflict, fmt::format("another resource ({}) has the same {}", owner.to_string(), k.rule), k.rule);
    }
    auto value = to_owner_value(op.id, op.type);
    w.batch.put(family::idx, key, value);
    replace(*slot, true, std::move(value));
  }
  for (const auto& old : before.unique) {
    const bool stays =
        std::any_of(op.unique.begin(), op.unique.end(), [&](const auto& k) { return k.rule == old.name && k.key == old.value; });
    if (stays || DSF_MUTANT("storage.unique_key_not_freed")) continue;
    const auto key = row_keys::unique(old.name, old.value);
    w.batch.erase(family::idx, key);
    replace(*TRY(cache_.load(family::idx, key)), false, {});
  }
  return {};
}

result<void> applier::perform(work& w, const put_resource& op) {
  const auto key = row_keys::resource(op.type, op.id);
  auto* slot = TRY(cache_.load(family::res, key));
  record old;
  if (slot->present) old = TRY(parse_record(slot->value));
  const bool was_alive = slot->present && !old.deleted;
  const auto before = TRY(parse_keys(old.keys));

  record now;
  now.version = old.version + 1;
  now.sequence = w.sequence;
  now.last_updated = w.time;
  now.ordinal = slot->present ? old.ordinal : TRY(take_ordinal(op.type));
  now.access_class = classes_->number_of(op.access_class).value_or(0);
  ++w.time.us;

  TRY(take_unique(w, op, before));
  diff_index(w, op.type, now.ordinal, op.index, before);
  if (was_alive)
    keep_version(w, op.type, op.id, old);
  else
    w.batch.put(family::idx, row_keys::ordinal(op.type, now.ordinal), to_ordinal_value({op.id, false}));

  now.sealed = op.sealed;
  const auto body = op.sealed ? op.body : fhir::splice(op.body, op.meta_at, now.version, now.last_updated);
  std::string list;
  put_keys(list, op.index, op.unique);
  std::string value;
  put_record_head(value, now, body.size(), list.size());
  value += body;
  value += list;
  w.batch.put(family::res, key, value);
  replace(*slot, true, std::move(value));
  date_version(w, op.type, op.id, now);

  w.out.written.push_back({op.type, op.id, now.version, now.last_updated});
  w.entry.resources.push_back({was_alive ? resource_change::kind::updated : resource_change::kind::created, op.type, op.id, now.version});
  return {};
}

result<void> applier::perform(work& w, const delete_resource& op) {
  const auto key = row_keys::resource(op.type, op.id);
  auto* slot = TRY(cache_.load(family::res, key));
  record old;
  if (slot->present) old = TRY(parse_record(slot->value));
  if (!slot->present || old.deleted)
    return fail(errc::version_conflict, fmt::format("{}/{} can't be deleted: it does not exist", op.type, op.id.to_string()),
                op.type + "/" + op.id.to_string());
  const auto before = TRY(parse_keys(old.keys));

  record now;
  now.deleted = true;
  now.version = old.version + 1;
  now.sequence = w.sequence;
  now.last_updated = w.time;
  now.ordinal = old.ordinal;
  now.access_class = old.access_class;
  ++w.time.us;

  diff_index(w, op.type, now.ordinal, {}, before);
  for (const auto& k : before.unique) {
    const auto unique = row_keys::unique(k.name, k.value);
    w.batch.erase(family::idx, unique);
    replace(*TRY(cache_.load(family::idx, unique)), false, {});
  }
  keep_version(w, op.type, op.id, old);
  w.batch.put(family::idx, row_keys::ordinal(op.type, now.ordinal), to_ordinal_value({op.id, true}));
  // The deletion is the head, so that one read tells "gone" from "never was", and stands in the history too.
  std::string value;
  put_record_head(value, now, 0, 0);
  w.batch.put(family::res, key, value);
  w.batch.put(family::hist, row_keys::history(op.type, op.id, now.version), value);
  replace(*slot, true, std::move(value));
  date_version(w, op.type, op.id, now);

  w.out.written.push_back({op.type, op.id, now.version, now.last_updated});
  w.entry.resources.push_back({resource_change::kind::deleted, op.type, op.id, now.version});
  return {};
}

result<void> applier::perform(work& w, const purge_resource& op) {
  const auto key = row_keys::resource(op.type, op.id);
  auto* slot = TRY(cache_.load(family::res, key));
  if (!slot->present)
    return fail(errc::version_conflict, fmt::format("{} can't be purged: it was never there, or was purged already", op.type),
                op.type + "/" + op.id.to_string());
  const auto old = TRY(parse_record(slot->value));
  const auto before = TRY(parse_keys(old.keys));
  const auto version = old.version;

  diff_index(w, op.type, old.ordinal, {}, before);
  for (const auto& k : before.unique) {
    const auto unique = row_keys::unique(k.name, k.value);
    w.batch.erase(family::idx, unique);
    replace(*TRY(cache_.load(family::idx, unique)), false, {});
  }
  TRY(undate_versions(w, op.type, op.id, old));
  // Versions count from 1 without a gap.
  if (version <= versions_erased_one_by_one) {
    for (std::uint64_t v = DSF_MUTANT("storage.purge_leaves_history") ? version : 1; v <= version; ++v)
      w.batch.erase(family::hist, row_keys::history(op.type, op.id, v));
  } else {
    const auto all = row_keys::history_prefix(op.type, op.id);
    w.batch.erase_range(family::hist, all, prefix_end(all));
  }
  // A number is given once. The last one's row stays as a mark that names nothing, since it tells at opening which is the next.
  const auto ordinal = row_keys::ordinal(op.type, old.ordinal);
  if (*TRY(next_ordinal(op.type)) == old.ordinal + 1)
    w.batch.put(family::idx, ordinal, to_ordinal_value({{}, true}));
  else
    w.batch.erase(family::idx, ordinal);
  auto data_key = row_keys::of(table::data_key, keys::resource_data_key(op.type, op.id));
  w.batch.erase(family::meta, data_key);
  note_row(w, table::data_key, std::move(data_key), false);
  w.batch.erase(family::res, key);
  replace(*slot, false, {});

  // Takes a tick like a version does: at opening the last time is counted from the changes of the last commit.
  ++w.time.us;
  w.entry.resources.push_back({resource_change::kind::purged, op.type, op.id, version});
  return {};
}

}  // namespace dsf::storage
