// The kv of tests and of the simulation: an ordered map that forgets what was not synced, and fails on demand.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "storage/kv.hpp"

namespace dsf::storage {

class memory_kv final : public kv, public std::enable_shared_from_this<memory_kv> {
public:
  // A kv of its own with the rows that are visible now, all of them synced.
  std::shared_ptr<memory_kv> copy() const;
  static std::shared_ptr<memory_kv> create() { return std::shared_ptr<memory_kv>(new memory_kv); }

  result<bool> find(family f, std::string_view key, std::string& out) const override;
  result<cached> find_cached(family f, std::string_view key, std::string& out) const override;
  result<void> scan(family f, const key_range& range, const row_visitor& visit) const override;
  result<void> write(const write_batch& batch, bool sync) override;
  result<void> close_after_failure() override {
    lose_unsynced();
    return {};
  }
  std::shared_ptr<const kv_reader> snapshot() const override;
  result<void> verify(const std::atomic<bool>&) const override { return {}; }
  using kv::stored_bytes;
  std::uint64_t stored_bytes() const override;
  kv_counters counters() const override;

  // Power loss: all that was written after the last sync is gone.
  void lose_unsynced();
  // Writes fail after `after` more: `before_apply` leaves nothing behind; otherwise the batch is on the disk, not synced, and seen once the kv is healed.
  void fail_writes(std::size_t after, bool before_apply = true);
  // Writes fail as on a full disk once this many bytes are in use; 0: no limit.
  void set_capacity(std::uint64_t bytes);
  void heal();
  // Runs before each write, on the writing thread: a slow disk, a test's barrier.
  void on_write(std::function<void(const write_batch&, bool sync)> hook);

private:
  memory_kv() = default;
  struct versioned {
    std::uint64_t number;
    std::optional<std::string> value;
  };
  using rows = std::map<std::string, std::vector<versioned>, std::less<>>;
  class snapshot_reader;

  static constexpr std::uint64_t newest = UINT64_MAX;
  bool find_at(std::uint64_t number, family f, std::string_view key, std::string& out) const;
  void scan_at(std::uint64_t number, family f, const key_range& range, const row_visitor& visit) const;
  void set(family f, std::string_view key, std::optional<std::string> value);
  void prune(rows& in, rows::iterator row);
  void prune_hidden(std::size_t at_most);

  mutable std::shared_mutex mutex_;
  rows rows_[family_count];
  std::uint64_t number_ = 0;  // of the newest write
  std::uint64_t visible_number_ = 0;  // of the newest write that did not fail
  mutable std::multiset<std::uint64_t> snapshots_;
  std::vector<std::pair<family, std::string>> unsynced_;
  std::deque<std::pair<family, std::string>> hidden_;  // rows with versions that only snapshots see; looked at again later
  std::uint64_t synced_number_ = 0;
  kv_counters counters_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t capacity_bytes_ = 0;
  std::size_t writes_until_failure_ = SIZE_MAX;
  bool fail_before_apply_ = true;
  std::function<void(const write_batch&, bool)> hook_;
};

}  // namespace dsf::storage
