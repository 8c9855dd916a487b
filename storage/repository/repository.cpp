#include "storage/repository/repository.hpp"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "privacy/search_parameters.hpp"
#include "storage/durable_folder.hpp"
#include "storage/repository/repository_impl.hpp"

namespace dsf::storage {

namespace rows = repository_rows;

namespace {

constexpr std::string_view kind = "dsfd clinical repository";

rocksdb::Options options_of(const repository_settings& s) {
  rocksdb::Options o;
  o.create_if_missing = !s.read_only;
  o.write_buffer_size = s.write_buffer_bytes;
  o.max_write_buffer_number = 2;
  o.max_total_wal_size = 4 * s.write_buffer_bytes;
  o.max_background_jobs = 2;
  o.max_open_files = 64;
  o.compression = rocksdb::kLZ4Compression;
  o.keep_log_file_num = 2;
  o.info_log_level = rocksdb::WARN_LEVEL;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(s.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

}  // namespace

base::error repository::impl::error_of(const rocksdb::Status& s, std::string_view doing) const {
  const auto code = s.IsCorruption() ? errc::damaged : errc::io;
  const auto* hint = s.IsNoSpace()      ? "; free some space and try again"
                     : s.IsCorruption() ? "; restore the folder from a backup, or remove it and import again"
                                        : "";
  return {code, fmt::format("{} failed: {}{}", doing, s.ToString(), hint), folder.string()};
}

result<std::optional<std::string>> repository::impl::read_row(const std::string& key, const rocksdb::Snapshot* at) const {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  std::string value;
  const auto s = db->Get(options, key, &value);
  if (s.IsNotFound()) return std::nullopt;
  if (!s.ok()) return base::failure(error_of(s, "reading the repository"));
  return value;
}

result<void> repository::impl::write(rocksdb::WriteBatch& batch) {
  if (read_only) return fail(errc::read_only, "the repository was opened for reading only", folder.string());
  const auto next = generation.load() + 1;
  batch.Put(rows::meta_key("generation"), rows::encode_number(next));
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto s = db->Write(options, &batch); !s.ok()) return base::failure(error_of(s, "writing to the repository"));
  generation = next;
  return {};
}

result<std::unique_ptr<repository>> repository::open(const std::filesystem::path& folder, const repository_settings& settings) {
  auto i = std::make_unique<impl>();
  i->folder = folder;
  i->read_only = settings.read_only;
  std::error_code ec;
  const bool fresh = !std::filesystem::exists(folder / "CURRENT", ec);
  if (fresh && !settings.read_only) TRY(make_durable_folder(folder));
  if (fresh && (settings.read_only || !std::filesystem::is_empty(folder, ec)) && !std::filesystem::exists(folder / "LOCK", ec))
    return fail(errc::not_a_store, "the folder holds no repository; name an empty folder, or the one that was imported into",
                folder.string());
  i->files = current_rocks_files();
  auto options = options_of(settings);
  options.env = i->files.env.get();
  rocksdb::DB* db = nullptr;
  const auto s =
      settings.read_only ? rocksdb::DB::OpenForReadOnly(options, folder.string(), &db) : rocksdb::DB::Open(options, folder.string(), &db);
  if (!s.ok()) {
    if (s.IsIOError() && s.ToString().find("lock") != std::string::npos)
      return fail(errc::locked, "another program uses this repository; stop it, or ask it", folder.string());
    return base::failure(i->error_of(s, "opening the repository"));
  }
  i->db.reset(db);

  const auto found = TRY(i->read_row(rows::meta_key("kind")));
  if (!found) {
    const std::unique_ptr<rocksdb::Iterator> any(db->NewIterator({}));
    any->SeekToFirst();
    if (any->Valid() || settings.read_only)
      return fail(errc::not_a_store, "the folder holds a database of another kind; name an empty folder", folder.string());
    rocksdb::WriteBatch first;
    first.Put(rows::meta_key("kind"), std::string(1, char(rows::format)) + std::string(kind));
    TRY(i->write(first));
  } else if (found->empty() || (*found)[0] != char(rows::format)) {
    return fail(errc::newer_format,
                fmt::format("the repository was written by another release (format {}); this one reads {}",
                            found->empty() ? 0 : int((*found)[0]), rows::format),
                folder.string());
  } else if (found->substr(1) != kind) {
    return fail(errc::not_a_store, "the folder holds a store of another kind; name an empty folder", folder.string());
  }
  if (const auto generation = TRY(i->read_row(rows::meta_key("generation")))) i->generation = TRY(rows::decode_number(*generation));
  return std::unique_ptr<repository>(new repository(std::move(i)));
}

repository::repository(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
repository::~repository() = default;

result<void> import_batch::add(const base::json& resource, std::string_view text) {
  TRY(privacy::check_clinical(resource));
  std::string value(1, static_cast<char>(rows::format));
  value += text;
  batch_.Put(rows::resource_key(resource["resourceType"].str(), resource["id"].str()), value);
  ++count_;
  bytes_ += text.size();
  return {};
}

result<void> import_batch::flush(std::string_view key, const rows::import_position& position) {
  if (!key.empty()) batch_.Put(rocksdb::Slice(key.data(), key.size()), rows::encode(position));
  if (batch_.Count() == 0) return {};
  TRY(into_.write(batch_));
  batch_.Clear();
  count_ = 0;
  bytes_ = 0;
  return {};
}

result<void> repository::put(std::span<const base::json> resources) {
  const std::lock_guard lock(impl_->import_mutex);
  const import_settings settings;
  import_batch batch(*impl_, settings);
  for (const auto& r : resources) TRY(batch.add(r, r.dump()));
  return batch.flush({}, {});
}

result<resource_page> repository::resources(std::string_view type, std::string_view from, std::size_t limit) const {
  const auto prefix = rows::type_prefix(type);
  const std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator({}));
  resource_page out;
  for (it->Seek(prefix + std::string(from)); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    auto id = it->key().ToString().substr(prefix.size());
    if (out.resources.size() >= limit) {
      out.next = std::move(id);
      break;
    }
    const auto value = it->value();
    if (value.empty() || value[0] != char(rows::format))
      return fail(errc::newer_format, fmt::format("{}/{} was written by another release", type, id), impl_->folder.string());
    out.resources.push_back({std::move(id), std::string(value.data() + 1, value.size() - 1)});
  }
  if (!it->status().ok()) return base::failure(impl_->error_of(it->status(), "reading the repository"));
  return out;
}

result<std::optional<std::string>> repository::read(std::string_view type, std::string_view id) const {
  auto value = TRY(impl_->read_row(rows::resource_key(type, id)));
  if (!value) return std::nullopt;
  if (value->empty() || (*value)[0] != char(rows::format))
    return fail(errc::newer_format, fmt::format("{}/{} was written by another release", type, id), impl_->folder.string());
  value->erase(0, 1);
  return value;
}

result<std::map<std::string, std::uint64_t>> repository::count_by_type() const {
  std::map<std::string, std::uint64_t> out;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator(options));
  for (it->Seek("R"); it->Valid() && it->key().starts_with("R"); it->Next()) {
    base::byte_reader key({it->key().data() + 1, it->key().size() - 1});
    ++out[key.ordered()];
  }
  if (!it->status().ok()) return base::failure(impl_->error_of(it->status(), "reading the repository"));
  return out;
}

}  // namespace dsf::storage
