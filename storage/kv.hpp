// The seam below the store: ordered byte strings in a few families, written in atomic batches (docs/design.md, decision 19).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/errors.hpp"

namespace dsf::storage {

enum class family : std::uint8_t { meta, res, hist, idx, pi, queue, feed };
inline constexpr std::size_t family_count = 7;
std::string_view name_of(family f) noexcept;

// Puts and deletions that take effect together and in order. One flat buffer, so that building one costs no allocation a row.
class write_batch {
public:
  enum class op : std::uint8_t { put, erase, erase_range };

  void put(family f, std::string_view key, std::string_view value) { add(op::put, f, key, value); }
  void erase(family f, std::string_view key) { add(op::erase, f, key, {}); }
  // All keys with from <= key < to.
  void erase_range(family f, std::string_view from, std::string_view to) { add(op::erase_range, f, from, to); }

  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  void clear() noexcept;

  // A point to go back to when a commit turns out not to hold.
  struct mark {
    std::size_t bytes = 0;
    std::size_t rows = 0;
  };
  [[nodiscard]] mark here() const noexcept { return {bytes_.size(), rows_}; }
  void roll_back(mark m) noexcept;

  // visitor(op, family, key, value) in the order of the calls.
  template <class Visitor>
  void for_each(Visitor&& visitor) const {
    for (const char *p = bytes_.data(), *end = p + bytes_.size(); p != end;) p = one(p, visitor);
  }

private:
  void add(op o, family f, std::string_view key, std::string_view value);
  static std::uint32_t length_at(const char* p) noexcept;
  template <class Visitor>
  static const char* one(const char* p, Visitor&& visitor) {
    const auto o = static_cast<op>(p[0]);
    const auto f = static_cast<family>(p[1]);
    const std::string_view key(p + 10, length_at(p + 2));
    const std::string_view value(key.data() + key.size(), length_at(p + 6));
    visitor(o, f, key, value);
    return value.data() + value.size();
  }

  std::string bytes_;
  std::size_t rows_ = 0;
};

// from <= key < to; an empty `to` means to the end of the family. `reverse` visits the same keys from the last to the first.
struct key_range {
  std::string from;
  std::string to;
  bool reverse = false;

  static key_range prefix(std::string_view p, bool reverse = false);
};
// The least string greater than all strings that start with `prefix`; empty if there is none.
std::string prefix_end(std::string_view prefix);

enum class cached : std::uint8_t { found, absent, unknown };

// Return false to stop.
using row_visitor = std::function<bool(std::string_view key, std::string_view value)>;

class kv_reader {
public:
  virtual ~kv_reader() = default;
  // False if there is no such key; `out` is left alone then.
  virtual result<bool> find(family f, std::string_view key, std::string& out) const = 0;
  // Never reads the disk: `unknown` if the answer is not in memory.
  virtual result<cached> find_cached(family f, std::string_view key, std::string& out) const = 0;
  // The visitor may read from the same reader, but not write.
  virtual result<void> scan(family f, const key_range& range, const row_visitor& visit) const = 0;
};

struct kv_counters {
  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t bytes = 0;
};

// Thread-safe. One thread writes at a time.
class kv : public kv_reader {
public:
  // All or nothing; visible to readers when it returns, and with `sync` it then survives a crash, with all that was written before.
  virtual result<void> write(const write_batch& batch, bool sync) = 0;
  // After write() failed: takes away what it may have left behind, so that a batch that was refused does not appear at the next opening. Nothing may
  // be read or written any more, and no snapshot may be in use.
  virtual result<void> close_after_failure() = 0;
  // Sees what was written before the call and nothing later. Must be given back before the kv is destroyed.
  virtual std::shared_ptr<const kv_reader> snapshot() const = 0;
  // Reads the stored files and compares their checksums; returns early, without a finding, once `stop` is set.
  virtual result<void> verify(const std::atomic<bool>& stop) const = 0;
  // Writes out what only the log holds, and writes the files that hold `range` of a family anew, so that rows which were deleted there leave the disk.
  // Beside other writes; takes as long as it takes to read and write the range.
  virtual result<void> flush_and_compact(family, const key_range&) { return {}; }
  // On the disk; what only memory and the log hold is not counted.
  virtual std::uint64_t stored_bytes() const = 0;
  // Of one family; 0 where nothing is on a disk.
  virtual std::uint64_t stored_bytes(family) const { return 0; }
  virtual kv_counters counters() const = 0;
};

}  // namespace dsf::storage
