// Rows on their way from one place to another, in constant memory.
#pragma once

#include <filesystem>
#include <memory>

#include "storage/backup/backup.hpp"
#include "storage/backup/manifest_impl.hpp"
#include "storage/rocks_kv.hpp"

namespace dsf::storage {

// Little memory: what is written once in the order of its keys needs no more.
inline rocks_settings copy_settings() {
  rocks_settings s;
  s.block_cache_bytes = 2 << 20;
  s.write_buffers_bytes = 8 << 20;
  s.log_total_bytes = 16 << 20;
  s.open_files = 64;
  return s;
}

// Writes in batches; nothing is durable before finish().
class row_writer {
public:
  explicit row_writer(kv& to) : to_(&to) {}
  result<void> put(family f, std::string_view key, std::string_view value) {
    if (batch_.size_bytes() > batch_bytes) {
      TRY(to_->write(batch_, false));
      batch_.clear();
    }
    batch_.put(f, key, value);
    return {};
  }
  // Syncs the last batch, and with it all that was written before.
  result<void> finish() { return to_->write(batch_, true); }

private:
  static constexpr std::size_t batch_bytes = 1 << 20;
  kv* to_;
  write_batch batch_;
};

// Tells the watcher of rows that went by.
class row_count {
public:
  explicit row_count(const backup_watch& watch) : watch_(&watch) {}
  // False: stop.
  bool add(std::size_t bytes) {
    ++now_.rows;
    now_.bytes += bytes;
    if (now_.rows % rows_between != 0 && now_.bytes < next_) return true;
    next_ = now_.bytes + bytes_between;
    return !*watch_ || (*watch_)(now_);
  }
  [[nodiscard]] const backup_progress& now() const { return now_; }

private:
  static constexpr std::uint64_t rows_between = 10'000, bytes_between = 4 << 20;
  const backup_watch* watch_;
  backup_progress now_;
  std::uint64_t next_ = bytes_between;
};

inline base::failure stopped() { return fail(errc::closed, "it was stopped before it was done"); }

// Missing, or an empty folder; what is there is never touched.
result<void> need_empty(const std::filesystem::path& folder);

}  // namespace dsf::storage
