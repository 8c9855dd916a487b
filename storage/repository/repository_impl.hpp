// The repository's database. Private to storage/repository/.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <mutex>

#include "privacy/clinical_index.hpp"
#include "storage/repository/repository.hpp"
#include "storage/repository/rows.hpp"
#include "storage/rocks_files_impl.hpp"

namespace dsf::storage {

struct repository::impl {
  std::filesystem::path folder;
  bool read_only = false;
  rocks_files files;
  std::unique_ptr<rocksdb::DB> db;
  std::mutex import_mutex;  // one import, one generation at a time
  std::atomic<std::uint64_t> generation = 0;  // counts batches; an index belongs to one generation

  mutable std::mutex index_mutex;  // guards the two below
  std::shared_ptr<const privacy::clinical_index> index;
  std::uint64_t index_generation = 0;
  std::mutex build_mutex;  // one build at a time; taken before index_mutex

  // Puts the next generation number beside what is in the batch, and writes both with one sync. Under import_mutex.
  result<void> write(rocksdb::WriteBatch& batch);
  result<std::optional<std::string>> read_row(const std::string& key, const rocksdb::Snapshot* at = nullptr) const;
  base::error error_of(const rocksdb::Status& s, std::string_view doing) const;

  result<std::shared_ptr<const privacy::clinical_index>> current_index();
  result<std::optional<privacy::clinical_index>> stored_index(std::uint64_t wanted) const;
  result<privacy::clinical_index> build_index(const rocksdb::Snapshot* at) const;
  result<void> store_index(const privacy::clinical_index& built, std::uint64_t of_generation);
};

// A batch of resources under way; validates each and writes them together with the position behind them.
class import_batch {
public:
  import_batch(repository::impl& into, const import_settings& settings) : into_(into), settings_(settings) {}
  result<void> add(const base::json& resource, std::string_view text);
  bool full() const { return count_ >= settings_.batch_resources || bytes_ >= settings_.batch_bytes; }
  std::size_t size() const { return count_; }
  // `position` may be empty.
  result<void> flush(std::string_view position_key, const repository_rows::import_position& position);

private:
  repository::impl& into_;
  const import_settings& settings_;
  rocksdb::WriteBatch batch_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace dsf::storage
