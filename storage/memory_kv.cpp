#include "storage/memory_kv.hpp"

#include <algorithm>

namespace dsf::storage {
namespace {

// A scan copies this many rows at a time, so that its visitor runs without the lock.
constexpr std::size_t scan_chunk = 64;

}  // namespace

class memory_kv::snapshot_reader final : public kv_reader {
public:
  snapshot_reader(std::shared_ptr<const memory_kv> of, std::uint64_t number) : of_(std::move(of)), number_(number) {}
  ~snapshot_reader() override {
    const std::unique_lock lock(of_->mutex_);
    of_->snapshots_.erase(of_->snapshots_.find(number_));
  }
  result<bool> find(family f, std::string_view key, std::string& out) const override { return of_->find_at(number_, f, key, out); }
  result<cached> find_cached(family f, std::string_view key, std::string& out) const override {
    return of_->find_at(number_, f, key, out) ? cached::found : cached::absent;
  }
  result<void> scan(family f, const key_range& range, const row_visitor& visit) const override {
    of_->scan_at(number_, f, range, visit);
    return {};
  }

private:
  std::shared_ptr<const memory_kv> of_;
  std::uint64_t number_;
};

bool memory_kv::find_at(std::uint64_t number, family f, std::string_view key, std::string& out) const {
  const std::shared_lock lock(mutex_);
  number = std::min(number, visible_number_);
  const auto& in = rows_[static_cast<std::size_t>(f)];
  const auto row = in.find(key);
  if (row == in.end()) return false;
  for (auto v = row->second.rbegin(); v != row->second.rend(); ++v) {
    if (v->number > number) continue;
    if (!v->value) return false;
    out = *v->value;
    return true;
  }
  return false;
}

void memory_kv::scan_at(std::uint64_t number, family f, const key_range& range, const row_visitor& visit) const {
  std::vector<std::pair<std::string, std::string>> chunk;
  std::string from = range.from;
  std::string to = range.to;
  for (bool more = true; more;) {
    chunk.clear();
    {
      const std::shared_lock lock(mutex_);
      const auto until = std::min(number, visible_number_);
      const auto& in = rows_[static_cast<std::size_t>(f)];
      const auto begin = in.lower_bound(from);
      const auto end = to.empty() ? in.end() : in.lower_bound(to);
      const auto take = [&](const rows::value_type& row) {
        for (auto v = row.second.rbegin(); v != row.second.rend(); ++v) {
          if (v->number > until) continue;
          if (v->value) chunk.emplace_back(row.first, *v->value);
          break;
        }
      };
      if (!to.empty() && from >= to) return;
      if (range.reverse) {
        auto at = end;
        while (at != begin && chunk.size() < scan_chunk) take(*--at);
        more = at != begin;
      } else {
        auto at = begin;
        while (at != end && chunk.size() < scan_chunk) take(*at++);
        more = at != end;
      }
    }
    for (const auto& [key, value] : chunk)
      if (!visit(key, value)) return;
    if (chunk.empty()) return;
    if (range.reverse)
      to = chunk.back().first;
    else
      from = chunk.back().first + '\0';
  }
}

result<bool> memory_kv::find(family f, std::string_view key, std::string& out) const { return find_at(newest, f, key, out); }

result<cached> memory_kv::find_cached(family f, std::string_view key, std::string& out) const {
  return find_at(newest, f, key, out) ? cached::found : cached::absent;
}

result<void> memory_kv::scan(family f, const key_range& range, const row_visitor& visit) const {
  scan_at(newest, f, range, visit);
  return {};
}

void memory_kv::prune(rows& in, rows::iterator row) {
  // A version that a later one hides from every snapshot, and from the state after a power loss, is of no use.
  const std::uint64_t oldest = std::min(synced_number_, snapshots_.empty() ? newest : *snapshots_.begin());
  auto& all = row->second;
  auto keep = all.begin();
  while (keep + 1 != all.end() && (keep + 1)->number <= oldest) ++keep;
  for (auto v = all.begin(); v != keep; ++v) used_bytes_ -= v->value ? v->value->size() : 0;
  all.erase(all.begin(), keep);
  if (all.size() == 1 && !all.front().value && all.front().number <= oldest)
    in.erase(row);
  else if (all.size() > 1 || !all.front().value)
    hidden_.emplace_back(static_cast<family>(&in - rows_), row->first);
}

void memory_kv::prune_hidden(std::size_t at_most) {
  for (std::size_t n = std::min(at_most, hidden_.size()); n > 0; --n) {
    const auto [f, key] = std::move(hidden_.front());
    hidden_.pop_front();
    auto& in = rows_[static_cast<std::size_t>(f)];
    if (const auto row = in.find(key); row != in.end()) prune(in, row);
  }
}

void memory_kv::set(family f, std::string_view key, std::optional<std::string> value) {
  auto& in = rows_[static_cast<std::size_t>(f)];
  auto row = in.find(key);
  if (row == in.end()) {
    if (!value) return;
    row = in.emplace(std::string(key), std::vector<versioned>{}).first;
  }
  used_bytes_ += value ? value->size() : 0;
  if (!row->second.empty() && row->second.back().number == number_) {
    auto& before = row->second.back().value;
    used_bytes_ -= before ? before->size() : 0;
    before = std::move(value);
  } else
    row->second.push_back({number_, std::move(value)});
  unsynced_.emplace_back(f, row->first);
}

result<void> memory_kv::write(const write_batch& batch, bool sync) {
  std::function<void(const write_batch&, bool)> hook;
  {
    const std::shared_lock lock(mutex_);
    hook = hook_;
  }
  if (hook) hook(batch, sync);
  const std::unique_lock lock(mutex_);
  const bool failing = writes_until_failure_ == 0;
  if (!failing && writes_until_failure_ != SIZE_MAX) --writes_until_failure_;
  if (failing && fail_before_apply_) return fail(errc::io, "the write failed (injected error)");
  if (capacity_bytes_ != 0 && used_bytes_ + batch.size_bytes() > capacity_bytes_) return fail(errc::io, "no space left on device");
  ++number_;
  batch.for_each([&](write_batch::op o, family f, std::string_view key, std::string_view value) {
    switch (o) {
      case write_batch::op::put: set(f, key, std::string(value)); break;
      case write_batch::op::erase: set(f, key, std::nullopt); break;
      case write_batch::op::erase_range: {
        auto& in = rows_[static_cast<std::size_t>(f)];
        std::vector<std::string> gone;
        for (auto at = in.lower_bound(key); at != in.end() && at->first < value; ++at) gone.push_back(at->first);
        for (const auto& k : gone) set(f, k, std::nullopt);
        break;
      }
    }
  });
  ++counters_.writes;
  counters_.bytes += batch.size_bytes();
  if (failing) return fail(errc::io, "the sync failed (injected error)");
  visible_number_ = number_;
  if (sync) {
    ++counters_.syncs;
    synced_number_ = number_;
    for (const auto& [f, key] : unsynced_) {
      auto& in = rows_[static_cast<std::size_t>(f)];
      if (const auto row = in.find(key); row != in.end()) prune(in, row);
    }
    unsynced_.clear();
    prune_hidden(2 * batch.rows() + 16);
  }
  return {};
}

std::shared_ptr<const kv_reader> memory_kv::snapshot() const {
  const std::unique_lock lock(mutex_);
  snapshots_.insert(visible_number_);
  return std::make_shared<snapshot_reader>(shared_from_this(), visible_number_);
}

kv_counters memory_kv::counters() const {
  const std::shared_lock lock(mutex_);
  return counters_;
}

std::uint64_t memory_kv::stored_bytes() const {
  const std::shared_lock lock(mutex_);
  return used_bytes_;
}

void memory_kv::lose_unsynced() {
  const std::unique_lock lock(mutex_);
  for (const auto& [f, key] : unsynced_) {
    auto& in = rows_[static_cast<std::size_t>(f)];
    const auto row = in.find(key);
    if (row == in.end()) continue;
    auto& all = row->second;
    while (!all.empty() && all.back().number > synced_number_) {
      used_bytes_ -= all.back().value ? all.back().value->size() : 0;
      all.pop_back();
    }
    if (all.empty()) in.erase(row);
  }
  unsynced_.clear();
  number_ = synced_number_;
  visible_number_ = synced_number_;
}

std::shared_ptr<memory_kv> memory_kv::copy() const {
  auto out = create();
  const std::shared_lock lock(mutex_);
  out->number_ = out->visible_number_ = out->synced_number_ = 1;
  for (std::size_t f = 0; f < family_count; ++f)
    for (const auto& [key, versions] : rows_[f])
      for (auto v = versions.rbegin(); v != versions.rend(); ++v) {
        if (v->number > visible_number_) continue;
        if (!v->value) break;
        out->rows_[f].emplace_hint(out->rows_[f].end(), key, std::vector<versioned>{{1, v->value}});
        out->used_bytes_ += v->value->size();
        break;
      }
  return out;
}

void memory_kv::fail_writes(std::size_t after, bool before_apply) {
  const std::unique_lock lock(mutex_);
  writes_until_failure_ = after;
  fail_before_apply_ = before_apply;
}

void memory_kv::set_capacity(std::uint64_t bytes) {
  const std::unique_lock lock(mutex_);
  capacity_bytes_ = bytes;
}

void memory_kv::heal() {
  const std::unique_lock lock(mutex_);
  writes_until_failure_ = SIZE_MAX;
  capacity_bytes_ = 0;
  visible_number_ = number_;
}

void memory_kv::on_write(std::function<void(const write_batch&, bool)> hook) {
  const std::unique_lock lock(mutex_);
  hook_ = std::move(hook);
}

}  // namespace dsf::storage
