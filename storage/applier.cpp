#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/applier_impl.hpp"

namespace dsf::storage {
namespace {

constexpr std::size_t instances_cached = 20'000;

}  // namespace

bool is_fatal(const base::error& e) { return e.is(errc::io) || e.is(errc::damaged); }

applier::applier(const kv_reader& rows, position last, std::shared_ptr<class_names> classes, std::size_t cache_bytes,
                 std::size_t changes_remembered)
    : rows_(&rows), last_(last), classes_(std::move(classes)), cache_(rows, cache_bytes), changes_(last.sequence, changes_remembered) {}

result<receipt> applier::apply(const commit& c, base::timestamp now, write_batch& batch, feed_entry& entry) {
  undo_.clear();
  changed_.clear();
  for (const auto& p : c.preconditions) TRY(check(p));
  TRY(intern_classes(c, batch));

  receipt out;
  out.sequence = last_.sequence + 1;
  out.time = std::max(now, base::timestamp{last_.time.us + 1});
  const auto mark = batch.here();
  work w{c, batch, entry, out, out.sequence, out.time};
  entry.sequence = out.sequence;
  entry.time = out.time;
  entry.partition = c.partition;
  for (const auto& op : c.operations) {
    auto done = std::visit([&](const auto& o) { return perform(w, o); }, op);
    if (!done) {
      if (!DSF_MUTANT("storage.refused_commit_half_applied")) undo_all();
      batch.roll_back(mark);
      return base::failure(std::move(done).error());
    }
  }
  // w.time is one past the last version; a commit without versions takes one tick too.
  last_ = {out.sequence, std::max(out.time, base::timestamp{w.time.us - 1})};
  batch.put(family::feed, row_keys::feed(out.sequence), encode_feed(entry));
  note_changes(w);
  return out;
}

void applier::end_of_group() {
  undo_.clear();
  changed_.clear();
  group_rows_.clear();
  group_versions_.clear();
  cache_.end_of_group();
  if (instances_.size() >= instances_cached) {
    instances_before_ = std::move(instances_);
    instances_.clear();
  }
}

void applier::undo_all() {
  for (auto u = undo_.rbegin(); u != undo_.rend(); ++u) {
    if (auto* s = std::get_if<slot_undo>(&*u)) *s->slot = std::move(s->before);
    if (auto* i = std::get_if<instance_undo>(&*u)) *i->state = i->before;
    if (auto* o = std::get_if<ordinal_undo>(&*u)) *o->next = o->before;
    if (auto* r = std::get_if<row_undo>(&*u)) {
      if (r->before)
        r->row->second = *r->before;
      else
        group_rows_.erase(r->row);
    }
  }
  undo_.clear();
  changed_.clear();
}

void applier::note_changes(const work& w) {
  for (const auto& r : w.entry.resources) changes_.type_written(r.type, w.sequence);
  for (const auto& e : changed_) changes_.entry_changed(e.type, e.parameter, e.value, w.sequence);
}

result<void> applier::intern_classes(const commit& c, write_batch& batch) {
  for (const auto& op : c.operations) {
    const auto* put = std::get_if<put_resource>(&op);
    if (put == nullptr || classes_->number_of(put->access_class)) continue;
    // Stays even if the commit is refused further on: a class that nothing uses does no harm.
    const auto number = classes_->add(put->access_class);
    batch.put(family::idx, row_keys::access_class(number), to_value(put->access_class));
  }
  return {};
}

void applier::replace(row_cache::slot& s, bool present, std::string value) {
  if (value.size() > s.value.size()) cache_.grew(value.size() - s.value.size());
  undo_.emplace_back(slot_undo{&s, {s.present, std::move(s.value)}});
  s.present = present;
  s.value = std::move(value);
}

result<std::uint32_t*> applier::next_ordinal(std::string_view type) {
  auto next = ordinals_.find(type);
  if (next == ordinals_.end()) {
    std::uint32_t first_free = 0;
    const auto prefix = row_keys::type_prefix(table::ordinal, type);
    TRY(rows_->scan(family::idx, key_range::prefix(prefix, true), [&](std::string_view key, std::string_view) {
      first_free = base::byte_reader(key.substr(prefix.size())).u32() + 1;
      return false;
    }));
    next = ordinals_.emplace(std::string(type), first_free).first;
  }
  return &next->second;
}

result<std::uint32_t> applier::take_ordinal(std::string_view type) {
  auto* next = TRY(next_ordinal(type));
  if (*next == UINT32_MAX) return fail(errc::too_large, fmt::format("there are no more numbers for resources of type {}", type));
  undo_.emplace_back(ordinal_undo{next, *next});
  return (*next)++;
}

result<applier::instance_state*> applier::load_instance(std::uint64_t instance) {
  if (const auto hit = instances_.find(instance); hit != instances_.end()) return &hit->second;
  if (const auto hit = instances_before_.find(instance); hit != instances_before_.end())
    return &instances_.insert(instances_before_.extract(hit)).position->second;
  instance_state state;
  std::string value;
  state.journal = state.known = TRY(rows_->find(family::pi, row_keys::of(table::snapshot, keys::instance(instance)), value));
  if (state.known) {
    state.head = TRY(parse_instance_value(value)).head;
    std::string mark;
    if (TRY(rows_->find(family::pi, row_keys::of(table::snapshot, keys::instance(instance) + 'E'), mark)))
      state.head.ended.us = static_cast<std::int64_t>(base::byte_reader(TRY(value_content(mark))).u64());
    const auto prefix = row_keys::of(table::event, keys::instance(instance));
    TRY(rows_->scan(family::pi, key_range::prefix(prefix, true), [&](std::string_view key, std::string_view) {
      state.last_event = base::byte_reader(key.substr(prefix.size())).u64();
      return false;
    }));
  }
  return &instances_.emplace(instance, state).first->second;
}

void applier::note_table(work& w, table in) {
  if (!w.entry.touches(in)) w.entry.row_tables += static_cast<char>(in);
}

void applier::note_row(work& w, table in, std::string key, bool exists) {
  note_table(w, in);
  const auto [at, fresh] = group_rows_.try_emplace(std::move(key), exists);
  undo_.emplace_back(row_undo{at, fresh ? std::nullopt : std::optional<bool>(at->second)});
  at->second = exists;
}

}  // namespace dsf::storage
