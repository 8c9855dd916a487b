#include "storage/row_memory.hpp"

#include "base/mutant.hpp"
#include "storage/record.hpp"

namespace dsf::storage {
namespace {

constexpr std::size_t largest_bytes = 16 << 10;  // a larger value would push out many small ones

}  // namespace

std::shared_ptr<const std::string> row_memory::find(std::string_view key, std::uint64_t at) {
  auto& in = shard_of(key);
  const std::lock_guard lock{in.mutex};
  auto found = in.young.find(key);
  if (found == in.young.end()) {
    const auto older = in.old.find(key);
    if (older == in.old.end()) return nullptr;
    auto moved = in.old.extract(older);
    put(in, std::move(moved.key()), std::move(moved.mapped()));
    found = in.young.find(key);
    if (found == in.young.end()) return nullptr;
  }
  if (found->second.written > at && !DSF_MUTANT("storage.row_memory_ignores_snapshots")) return nullptr;
  return found->second.value;
}

void row_memory::keep(std::string_view key, std::string_view value, std::uint64_t written, std::uint64_t at) {
  if (value.size() > largest_bytes) return;
  auto copy = std::make_shared<const std::string>(value);
  auto& in = shard_of(key);
  const std::lock_guard lock{in.mutex};
  // The commit thread first raises `newest_` and then forgets keys, each under this lock: what an older snapshot saw can't come in behind it.
  if (at < newest_.load()) return;
  if (!in.young.contains(key)) put(in, std::string(key), {std::move(copy), written});
}

void row_memory::put(shard& in, std::string key, slot s) {
  in.young_bytes += key.size() + s.value->size() + 128;
  in.young.insert_or_assign(std::move(key), std::move(s));
  if (in.young_bytes <= shard_bytes_) return;
  in.old = std::move(in.young);
  in.young.clear();
  in.young_bytes = 0;
}

void row_memory::before_write(std::span<const feed_entry> entries) {
  if (entries.empty() || DSF_MUTANT("storage.row_memory_not_told")) return;
  newest_ = entries.back().sequence;
  for (const auto& e : entries)
    for (const auto& change : e.resources) {
      const auto key = row_keys::resource(change.type, change.id);
      auto& in = shard_of(key);
      const std::lock_guard lock{in.mutex};
      if (const auto at = in.young.find(key); at != in.young.end()) {
        in.young_bytes -= std::min(in.young_bytes, key.size() + at->second.value->size() + 128);
        in.young.erase(at);
      }
      if (const auto at = in.old.find(key); at != in.old.end()) in.old.erase(at);
    }
}

namespace {

class remembering_reader final : public kv_reader {
public:
  remembering_reader(std::shared_ptr<const kv_reader> snapshot, std::shared_ptr<row_memory> memory, std::uint64_t sequence)
      : snapshot_(std::move(snapshot)), memory_(std::move(memory)), sequence_(sequence) {}

  result<bool> find(family f, std::string_view key, std::string& out) const override {
    if (f != family::res) return snapshot_->find(f, key, out);
    if (const auto known = memory_->find(key, sequence_)) {
      out = *known;
      return true;
    }
    if (!TRY(snapshot_->find(f, key, out))) return false;
    keep(key, out);
    return true;
  }
  result<cached> find_cached(family f, std::string_view key, std::string& out) const override {
    if (f != family::res) return snapshot_->find_cached(f, key, out);
    if (const auto known = memory_->find(key, sequence_)) {
      out = *known;
      return cached::found;
    }
    const auto found = TRY(snapshot_->find_cached(f, key, out));
    if (found == cached::found) keep(key, out);
    return found;
  }
  result<void> scan(family f, const key_range& range, const row_visitor& visit) const override { return snapshot_->scan(f, range, visit); }

private:
  // What does not read as a record is for the caller to find.
  void keep(std::string_view key, std::string_view value) const {
    if (const auto r = parse_record(value)) memory_->keep(key, value, r->sequence, sequence_);
  }

  std::shared_ptr<const kv_reader> snapshot_;
  std::shared_ptr<row_memory> memory_;
  std::uint64_t sequence_;
};

}  // namespace

std::shared_ptr<const kv_reader> remembering(std::shared_ptr<const kv_reader> snapshot, std::shared_ptr<row_memory> memory,
                                             std::uint64_t sequence) {
  return std::make_shared<const remembering_reader>(std::move(snapshot), std::move(memory), sequence);
}

}  // namespace dsf::storage
