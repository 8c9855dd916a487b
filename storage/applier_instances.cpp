// Operations on process instances and on rows.
#include <fmt/format.h>

#include "base/bytes.hpp"
#include "storage/applier_impl.hpp"

namespace dsf::storage {

result<void> applier::perform(work& w, const append_events& op) {
  auto* state = TRY(load_instance(op.instance));
  if (op.first != state->last_event + 1)
    return fail(errc::instance_conflict,
                fmt::format("instance {} is at event {}, so event {} can't follow", op.instance, state->last_event, op.first));
  if (state->head.ended.us != 0) return fail(errc::instance_conflict, fmt::format("instance {} has ended", op.instance));
  if (op.events.empty() && !state->known)
    return fail(errc::instance_conflict, fmt::format("instance {} can't have a snapshot before its first event", op.instance));
  undo_.emplace_back(instance_undo{state, *state});
  std::uint64_t number = op.first;
  for (const auto& event : op.events)
    w.batch.put(family::pi, row_keys::of(table::event, keys::event(op.instance, number++)), to_value(event));
  state->last_event = number - 1;
  const bool is_new = !state->known;
  if (is_new) {
    state->known = true;
    state->head.started = w.out.time;
  }
  if (op.snapshot) state->head.snapshot_event = state->last_event;
  // Each instance has a row of S from its first event on, so that the instances can be listed.
  if (is_new || op.snapshot)
    w.batch.put(family::pi, row_keys::of(table::snapshot, keys::instance(op.instance)),
                to_instance_value(state->head, op.snapshot ? *op.snapshot : std::string_view{}));
  w.entry.instances.push_back({instance_change::kind::advanced, op.instance, state->last_event});
  return {};
}

result<void> applier::perform(work& w, const end_instance& op) {
  auto* state = TRY(load_instance(op.instance));
  if (!state->known || state->head.ended.us != 0)
    return fail(errc::instance_conflict, fmt::format("instance {} can't end: it does not live", op.instance));
  undo_.emplace_back(instance_undo{state, *state});
  state->head.ended = w.out.time;
  // A row beside the snapshot's, so that the snapshot need not be written again.
  std::string ended;
  base::put_u64(ended, static_cast<std::uint64_t>(w.out.time.us));
  w.batch.put(family::pi, row_keys::of(table::snapshot, keys::instance(op.instance) + 'E'), to_value(ended));
  if (state->journal) TRY(erase_rows(w, table::journal, keys::instance(op.instance)));
  w.entry.instances.push_back({instance_change::kind::ended, op.instance, state->last_event});
  return {};
}

result<void> applier::perform(work& w, const forget_instance& op) {
  auto* state = TRY(load_instance(op.instance));
  if (!state->known) return fail(errc::instance_conflict, fmt::format("instance {} can't be forgotten: it does not exist", op.instance));
  for (std::uint64_t number = 1; number <= state->last_event; ++number)
    w.batch.erase(family::pi, row_keys::of(table::event, keys::event(op.instance, number)));
  TRY(erase_rows(w, table::value, keys::instance(op.instance)));
  TRY(erase_rows(w, table::journal, keys::instance(op.instance)));
  auto data_key = row_keys::of(table::data_key, keys::instance_data_key(op.instance));
  w.batch.erase(family::meta, data_key);
  note_row(w, table::data_key, std::move(data_key), false);
  w.batch.erase(family::pi, row_keys::of(table::snapshot, keys::instance(op.instance)));
  w.batch.erase(family::pi, row_keys::of(table::snapshot, keys::instance(op.instance) + 'E'));
  w.entry.instances.push_back({instance_change::kind::forgotten, op.instance, state->last_event});
  undo_.emplace_back(instance_undo{state, *state});
  *state = {};
  return {};
}

result<void> applier::erase_rows(work& w, table in, std::string_view prefix) {
  const auto start = row_keys::of(in, prefix);
  std::vector<std::string> found;
  TRY(rows_->scan(family_of(in), key_range::prefix(start), [&](std::string_view key, std::string_view) {
    found.emplace_back(key);
    return true;
  }));
  for (auto at = group_rows_.lower_bound(start); at != group_rows_.end() && at->first.starts_with(start); ++at)
    if (at->second) found.push_back(at->first);
  for (auto& key : found) {
    w.batch.erase(family_of(in), key);
    note_row(w, in, std::move(key), false);
  }
  return {};
}

result<void> applier::perform(work& w, const put_row& op) {
  auto key = row_keys::of(op.in, op.key);
  w.batch.put(family_of(op.in), key, to_value(op.value, op.sealed ? owners_key : 0));
  note_row(w, op.in, std::move(key), true);
  if (op.in == table::journal) TRY(load_instance(base::byte_reader(op.key).u64()))->journal = true;
  return {};
}

result<void> applier::perform(work& w, const delete_row& op) {
  auto key = row_keys::of(op.in, op.key);
  w.batch.erase(family_of(op.in), key);
  note_row(w, op.in, std::move(key), false);
  return {};
}

result<void> applier::perform(work& w, const put_inbox& op) {
  auto key = row_keys::of(table::inbox, keys::inbox(w.c.partition, w.sequence, w.inbox_rows++));
  w.batch.put(family::queue, key, to_value(op.value));
  note_row(w, table::inbox, std::move(key), true);
  return {};
}

}  // namespace dsf::storage
