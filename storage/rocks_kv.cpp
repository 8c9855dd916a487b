#include "storage/rocks_kv.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/checksum.hpp"
#include "storage/rocks_files_impl.hpp"
#include "storage/wal_check.hpp"

namespace dsf::storage {
namespace {

rocksdb::Slice slice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view view_of(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

// RocksDB counts what each thread does, at a cost; nobody reads it.
void count_nothing() {
  thread_local const bool off = [] {
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    return true;
  }();
  (void)off;
}

base::failure failed(const rocksdb::Status& status, const std::string& place) {
  if (status.IsCorruption())
    return fail(errc::damaged, fmt::format("stored bytes do not check out ({}). Restore the store from a backup", status.ToString()),
                place);
  if (status.IsNoSpace() || (status.IsIOError() && status.subcode() == rocksdb::Status::kNoSpace))
    return fail(errc::io, "no space left on the store's disk; make room there", place);
  // What RocksDB says names files: the cause is for the operator, the text for everybody.
  auto e = base::error(errc::io, "the store's disk answered with an error", place);
  return base::failure(std::move(e).because(base::error(errc::io, status.ToString())));
}

rocksdb::DBOptions database_options(const rocks_settings& s, bool create) {
  rocksdb::DBOptions o;
  o.create_if_missing = create;
  o.create_missing_column_families = create;
  o.paranoid_checks = true;
  // A torn end is what a power loss leaves; check_logs() has refused all other damage.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.track_and_verify_wals_in_manifest = true;
  o.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  o.max_total_wal_size = s.log_total_bytes;
  o.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(s.write_buffers_bytes);
  o.max_open_files = s.open_files;
  o.max_background_jobs = s.background_jobs;
  o.skip_stats_update_on_db_open = true;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.keep_log_file_num = 2;
  o.max_log_file_size = 1 << 20;
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  o.bytes_per_sync = 1 << 20;
  // One thread writes.
  o.allow_concurrent_memtable_write = false;
  o.enable_write_thread_adaptive_yield = false;
  // The store turns read-only after a failed write and is opened again; RocksDB must not carry on by itself (docs/design.md, decision 18).
  o.max_bgerror_resume_count = 0;
  return o;
}

rocksdb::ColumnFamilyOptions family_options(family f, const rocks_settings& s, const std::shared_ptr<rocksdb::Cache>& cache,
                                            const std::shared_ptr<const rocksdb::FilterPolicy>& bloom) {
  rocksdb::ColumnFamilyOptions o;
  o.compression = rocksdb::kLZ4Compression;
  o.write_buffer_size = s.write_buffers_bytes / 2;
  o.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // A whole filter of a large file is megabytes: it would push out all else at each look-up that misses.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = 4096;
  o.level0_file_num_compaction_trigger = 8;
  o.level0_slowdown_writes_trigger = 24;
  o.level0_stop_writes_trigger = 40;
  table.format_version = 5;
  if (f != family::feed) table.filter_policy = bloom;
  // Old versions are written once and hardly ever read: compactions move their keys only.
  if (f == family::hist) {
    o.enable_blob_files = true;
    o.min_blob_size = 256;
    o.blob_compression_type = rocksdb::kLZ4Compression;
    o.enable_blob_garbage_collection = true;
  }
  // Rows of one table come in the order of their keys more often than not: the next one is looked for beside the last one.
  if (f == family::queue || f == family::pi) o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  // Most creations ask for a key that is not there.
  if (f == family::res || f == family::pi || f == family::queue) {
    o.memtable_prefix_bloom_size_ratio = 0.02;
    o.memtable_whole_key_filtering = true;
  }
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

class rocks_kv final : public kv, public std::enable_shared_from_this<rocks_kv> {
public:
  rocks_kv(std::filesystem::path folder, rocks_files files) : folder_(std::move(folder)), files_(std::move(files)) {}
  ~rocks_kv() override { close(); }

  void close() {
    if (!db_) return;
    for (auto* handle : families_) db_->DestroyColumnFamilyHandle(handle);
    db_->Close().PermitUncheckedError();
    db_.reset();
  }

  result<void> close_after_failure() override {
    close();
    return cut_newest_log(*files_.system, folder_, last_good_);
  }

  result<void> open(const rocks_settings& s, bool create, bool read_only) {
    const auto cache = rocksdb::NewLRUCache(s.block_cache_bytes);
    const std::shared_ptr<const rocksdb::FilterPolicy> bloom(rocksdb::NewBloomFilterPolicy(10));
    std::vector<rocksdb::ColumnFamilyDescriptor> wanted;
    wanted.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions{});
    for (std::size_t i = 0; i < family_count; ++i) {
      const auto f = static_cast<family>(i);
      wanted.emplace_back(std::string(name_of(f)), family_options(f, s, cache, bloom));
    }
    rocksdb::DB* db = nullptr;
    auto options = database_options(s, create);
    options.env = files_.env.get();
    const auto status = read_only ? rocksdb::DB::OpenForReadOnly(options, folder_.string(), wanted, &families_, &db)
                                  : rocksdb::DB::Open(options, folder_.string(), wanted, &families_, &db);
    if (!status.ok()) return failed(status, folder_.string());
    db_.reset(db);
    last_good_ = db_->GetLatestSequenceNumber();
    return {};
  }

  result<bool> find(family f, std::string_view key, std::string& out) const override { return find_in(nullptr, f, key, out); }
  result<cached> find_cached(family f, std::string_view key, std::string& out) const override {
    return find_cached_in(nullptr, f, key, out);
  }
  result<void> scan(family f, const key_range& range, const row_visitor& visit) const override { return scan_in(nullptr, f, range, visit); }

  result<void> write(const write_batch& batch, bool sync) override {
    count_nothing();
    // Kept from write to write: a buffer of this size would come from the system and go back to it each time.
    auto& out = out_;
    out.Clear();
    rocksdb::Status status;
    const auto add = [&](write_batch::op o, family f, std::string_view key, std::string_view value) {
      if (!status.ok()) return;
      switch (o) {
        case write_batch::op::put: status = out.Put(handle(f), slice(key), slice(value)); break;
        case write_batch::op::erase: status = out.Delete(handle(f), slice(key)); break;
        case write_batch::op::erase_range: status = out.DeleteRange(handle(f), slice(key), slice(value)); break;
      }
    };
    // Most rows of a group are index entries and resources at random places. In order they go into the memtable side by side, with fewer cache
    // misses; and of several rows with one key (versions of a resource in one group) only the last one counts.
    auto& ordered = ordered_;
    for (auto& rows : ordered) rows.clear();
    bool ranges = false;
    const auto place = [](family f) { return f == family::idx ? 0 : f == family::res ? 1 : -1; };
    batch.for_each([&](write_batch::op o, family f, std::string_view key, std::string_view value) {
      if (place(f) < 0) return add(o, f, key, value);
      ranges = ranges || o == write_batch::op::erase_range;
      ordered[static_cast<std::size_t>(place(f))].push_back({o, key, value});
    });
    for (const auto f : {family::idx, family::res}) {
      auto& rows = ordered[static_cast<std::size_t>(place(f))];
      if (!ranges) std::stable_sort(rows.begin(), rows.end(), [](const entry& x, const entry& y) { return x.key < y.key; });
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (ranges || i + 1 == rows.size() || rows[i].key != rows[i + 1].key) add(rows[i].o, f, rows[i].key, rows[i].value);
    }
    if (status.ok()) {
      rocksdb::WriteOptions how;
      how.sync = sync && !DSF_MUTANT("storage.rows_written_without_sync");
      status = db_->Write(how, &out);
    }
    if (!status.ok()) return failed(status, folder_.string());
    last_good_ = db_->GetLatestSequenceNumber();
    writes_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(out.GetDataSize(), std::memory_order_relaxed);
    if (sync) syncs_.fetch_add(1, std::memory_order_relaxed);
    return {};
  }

  std::shared_ptr<const kv_reader> snapshot() const override;

  kv_counters counters() const override { return {writes_, syncs_, bytes_}; }

  std::uint64_t stored_bytes() const override {
    std::vector<rocksdb::LiveFileMetaData> files;
    db_->GetLiveFilesMetaData(&files);
    std::uint64_t total = 0;
    for (const auto& file : files) total += file.size;
    return total;
  }

  std::uint64_t stored_bytes(family f) const override {
    std::uint64_t tables = 0, blobs = 0;
    db_->GetIntProperty(handle(f), rocksdb::DB::Properties::kTotalSstFilesSize, &tables);
    db_->GetIntProperty(handle(f), rocksdb::DB::Properties::kTotalBlobFileSize, &blobs);
    return tables + blobs;
  }

  result<void> verify(const std::atomic<bool>& stop) const override;

  result<void> flush_and_compact(family f, const key_range& range) override {
    // All families: a log goes when none needs it any more.
    rocksdb::FlushOptions flush;
    flush.allow_write_stall = true;
    if (const auto status = db_->Flush(flush, families_); !status.ok()) return failed(status, folder_.string());
    rocksdb::CompactRangeOptions how;
    how.exclusive_manual_compaction = false;
    how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    how.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    how.blob_garbage_collection_age_cutoff = 1.0;
    const auto from = slice(range.from), to = slice(range.to);
    const auto status = db_->CompactRange(how, handle(f), range.from.empty() ? nullptr : &from, range.to.empty() ? nullptr : &to);
    if (!status.ok()) return failed(status, folder_.string());
    return {};
  }

  // Read with the sequence of `at`, or the newest.
  result<bool> find_in(const rocksdb::Snapshot* at, family f, std::string_view key, std::string& out) const {
    count_nothing();
    rocksdb::ReadOptions how;
    how.snapshot = at;
    rocksdb::PinnableSlice value;
    const auto status = db_->Get(how, handle(f), slice(key), &value);
    if (status.IsNotFound()) return false;
    if (!status.ok()) return failed(status, folder_.string());
    out.assign(value.data(), value.size());
    return true;
  }

  result<cached> find_cached_in(const rocksdb::Snapshot* at, family f, std::string_view key, std::string& out) const {
    count_nothing();
    rocksdb::ReadOptions how;
    how.snapshot = at;
    how.read_tier = rocksdb::kBlockCacheTier;
    rocksdb::PinnableSlice value;
    const auto status = db_->Get(how, handle(f), slice(key), &value);
    if (status.IsNotFound()) return cached::absent;
    if (status.IsIncomplete()) return cached::unknown;
    if (!status.ok()) return failed(status, folder_.string());
    out.assign(value.data(), value.size());
    return cached::found;
  }

  result<void> scan_in(const rocksdb::Snapshot* at, family f, const key_range& range, const row_visitor& visit) const {
    if (!range.to.empty() && range.from >= range.to) return {};
    count_nothing();
    rocksdb::ReadOptions how;
    how.snapshot = at;
    const rocksdb::Slice lower = slice(range.from);
    const rocksdb::Slice upper = slice(range.to);
    how.iterate_lower_bound = &lower;
    if (!range.to.empty()) how.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(how, handle(f)));
    if (range.reverse)
      it->SeekToLast();
    else
      it->SeekToFirst();
    while (it->Valid() && visit(view_of(it->key()), view_of(it->value()))) {
      if (range.reverse)
        it->Prev();
      else
        it->Next();
    }
    if (!it->status().ok()) return failed(it->status(), folder_.string());
    return {};
  }

private:
  friend class rocks_snapshot;
  rocksdb::ColumnFamilyHandle* handle(family f) const { return families_[1 + static_cast<std::size_t>(f)]; }

  std::filesystem::path folder_;
  rocks_files files_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // the default family, which is empty, then ours
  struct entry {
    write_batch::op o;
    std::string_view key, value;
  };
  std::uint64_t last_good_ = 0;  // RocksDB's number of the last row whose batch was synced
  rocksdb::WriteBatch out_;
  std::array<std::vector<entry>, 2> ordered_;
  std::atomic<std::uint64_t> writes_ = 0, syncs_ = 0, bytes_ = 0;
};

class rocks_snapshot final : public kv_reader {
public:
  explicit rocks_snapshot(std::shared_ptr<const rocks_kv> of) : of_(std::move(of)), at_(of_->db_->GetSnapshot()) {}
  ~rocks_snapshot() override { of_->db_->ReleaseSnapshot(at_); }
  rocks_snapshot(const rocks_snapshot&) = delete;
  rocks_snapshot& operator=(const rocks_snapshot&) = delete;

  result<bool> find(family f, std::string_view key, std::string& out) const override { return of_->find_in(at_, f, key, out); }
  result<cached> find_cached(family f, std::string_view key, std::string& out) const override {
    return of_->find_cached_in(at_, f, key, out);
  }
  result<void> scan(family f, const key_range& range, const row_visitor& visit) const override {
    return of_->scan_in(at_, f, range, visit);
  }

private:
  std::shared_ptr<const rocks_kv> of_;
  const rocksdb::Snapshot* at_;
};

std::shared_ptr<const kv_reader> rocks_kv::snapshot() const { return std::make_shared<rocks_snapshot>(shared_from_this()); }

// The crc of a whole file; nothing if it is gone, which a compaction may do meanwhile.
result<std::optional<std::uint32_t>> crc_of_file(const std::string& path, const std::atomic<bool>& stop) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return std::nullopt;
    return fail(errc::io, fmt::format("can't read a file of the store: {}", std::strerror(errno)), path);
  }
  std::vector<char> buffer(256 << 10);
  std::uint32_t crc = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    const auto n = ::read(file, buffer.data(), buffer.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      const int why = errno;
      ::close(file);
      return fail(errc::io, fmt::format("can't read a file of the store: {}", std::strerror(why)), path);
    }
    if (n == 0) break;
    crc = crc32c(crc, {buffer.data(), static_cast<std::size_t>(n)});
  }
  ::close(file);
  return crc;
}

result<void> rocks_kv::verify(const std::atomic<bool>& stop) const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  for (const auto& file : files) {
    const std::string path = file.db_path + file.name;
    const auto found = TRY(crc_of_file(path, stop));
    if (stop.load(std::memory_order_relaxed)) return {};
    if (!found) {
      std::vector<rocksdb::LiveFileMetaData> now;
      db_->GetLiveFilesMetaData(&now);
      for (const auto& still : now)
        if (still.name == file.name)
          return fail(errc::damaged, "a file of the store is missing. Nothing was changed; restore the store from a backup", path);
      continue;
    }
    std::string wanted;
    base::put_u32(wanted, *found);
    if (file.file_checksum_func_name != "FileChecksumCrc32c") continue;
    if (wanted != file.file_checksum && !DSF_MUTANT("storage.checksum_not_verified"))
      return fail(errc::damaged,
                  "a file of the store is damaged: its checksum does not match. Nothing was changed; restore the store from a backup",
                  path);
  }
  return {};
}

}  // namespace

result<std::shared_ptr<kv>> open_rocks_kv(const std::filesystem::path& folder, const rocks_settings& settings, bool create,
                                          bool read_only) {
  std::error_code ec;
  auto files = current_rocks_files();
  if (std::filesystem::exists(folder, ec)) {
    TRY(check_logs(*files.system, folder));
  } else if (!create) {
    return fail(errc::not_a_store, "there is no store in this folder", folder.string());
  }
  auto opened = std::make_shared<rocks_kv>(folder, std::move(files));
  TRY(opened->open(settings, create && !read_only, read_only));
  return std::shared_ptr<kv>(std::move(opened));
}

}  // namespace dsf::storage
