// Current versions of resources that were read lately, for all snapshots: a hot resource is one look into a hash table instead of a search through files.
//
// What is remembered is current as of the newest write, and carries the commit that wrote it: it holds for every snapshot that is not older than that
// commit. The commit thread says what it is about to write; from then on only snapshots that have seen that write may add anything.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "storage/feed.hpp"
#include "storage/row_cache.hpp"

namespace dsf::storage {

class row_memory {
public:
  explicit row_memory(std::size_t limit_bytes) : shard_bytes_(limit_bytes / shard_count / 2) {}

  // `at`: the snapshot's newest commit. Null: not remembered, or not as old as that.
  std::shared_ptr<const std::string> find(std::string_view key, std::uint64_t at);
  // What a snapshot holds at `key`, written by the commit `written`.
  void keep(std::string_view key, std::string_view value, std::uint64_t written, std::uint64_t at);
  // Before a group of commits becomes visible to anybody.
  void before_write(std::span<const feed_entry> entries);

private:
  static constexpr std::size_t shard_count = 16;
  struct slot {
    std::shared_ptr<const std::string> value;
    std::uint64_t written = 0;
  };
  // Two generations: what was not looked at since the last change of generation is forgotten with the next.
  struct shard {
    std::mutex mutex;
    string_map<slot> young, old;
    std::size_t young_bytes = 0;
  };
  shard& shard_of(std::string_view key) { return shards_[string_hash{}(key) / 64 % shard_count]; }
  void put(shard& in, std::string key, slot s);

  std::size_t shard_bytes_;
  std::atomic<std::uint64_t> newest_ = 0;  // commit that was written, or is about to be
  std::array<shard, shard_count> shards_;
};

// A snapshot that looks there first.
std::shared_ptr<const kv_reader> remembering(std::shared_ptr<const kv_reader> snapshot, std::shared_ptr<row_memory> memory,
                                             std::uint64_t sequence);

}  // namespace dsf::storage
