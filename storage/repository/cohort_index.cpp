// The cohort index of a repository: built from the resources, kept beside them, dropped from memory when nobody asks.
#include <fmt/format.h>

#include "storage/repository/repository_impl.hpp"

namespace dsf::storage {

namespace rows = repository_rows;

namespace {

constexpr std::size_t piece_bytes = 1 << 20;

// Released with the scope.
class snapshot_guard {
public:
  explicit snapshot_guard(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~snapshot_guard() { db_.ReleaseSnapshot(snapshot_); }
  snapshot_guard(const snapshot_guard&) = delete;
  snapshot_guard& operator=(const snapshot_guard&) = delete;
  const rocksdb::Snapshot* operator*() const { return snapshot_; }

private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace

result<privacy::clinical_index> repository::impl::build_index(const rocksdb::Snapshot* at) const {
  privacy::clinical_index out;
  rocksdb::ReadOptions options;
  options.snapshot = at;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options));
  for (it->Seek("R"); it->Valid() && it->key().starts_with("R"); it->Next()) {
    const auto value = it->value();
    if (value.empty() || value[0] != char(rows::format))
      return fail(errc::newer_format, "a resource was written by another release", folder.string());
    TRY(out.add(TRY(base::json::parse({value.data() + 1, value.size() - 1}))));
  }
  if (!it->status().ok()) return base::failure(error_of(it->status(), "reading the repository"));
  TRY(out.seal());
  return out;
}

// Nothing when none is stored, it belongs to an older generation, or it was written by another release.
result<std::optional<privacy::clinical_index>> repository::impl::stored_index(std::uint64_t wanted) const {
  const auto row = TRY(read_row(rows::index_key(0)));
  if (!row) return std::nullopt;
  const auto header = rows::decode_index_header(*row);
  if (!header || header->generation != wanted) return std::nullopt;
  std::string bytes;
  for (std::uint32_t i = 1; i <= header->pieces; ++i) {
    const auto piece = TRY(read_row(rows::index_key(i)));
    if (!piece) return std::nullopt;
    bytes += *piece;
  }
  if (bytes.size() != header->bytes) return std::nullopt;
  auto index = privacy::clinical_index::deserialize(bytes);
  if (!index) return std::nullopt;  // it is a copy of what the resources say, and is built again from them
  return std::optional(std::move(*index));
}

result<void> repository::impl::store_index(const privacy::clinical_index& built, std::uint64_t of_generation) {
  const std::unique_lock lock(import_mutex, std::try_to_lock);
  if (!lock) return {};  // an import is under way: what it writes would make this index old at once
  if (generation != of_generation) return {};  // resources came meanwhile: the next question builds again
  const auto bytes = built.serialize();
  const auto put = [&](const std::string& key, std::string_view value) -> result<void> {
    // No sync: a lost index is built again, and the header is written last.
    if (const auto s = db->Put({}, key, rocksdb::Slice(value.data(), value.size())); !s.ok())
      return base::failure(error_of(s, "storing the cohort index"));
    return {};
  };
  if (const auto s = db->Delete({}, rows::index_key(0)); !s.ok()) return base::failure(error_of(s, "storing the cohort index"));
  std::uint32_t pieces = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes)
    TRY(put(rows::index_key(++pieces), std::string_view(bytes).substr(at, piece_bytes)));
  TRY(put(rows::index_key(0), rows::encode(rows::index_header{of_generation, pieces, bytes.size()})));
  // Empty write buffers are what keeps an idle site small.
  if (const auto s = db->Flush({}); !s.ok()) return base::failure(error_of(s, "storing the cohort index"));
  return {};
}

result<std::shared_ptr<const privacy::clinical_index>> repository::impl::current_index() {
  const auto loaded = [&]() -> std::shared_ptr<const privacy::clinical_index> {
    const std::lock_guard lock(index_mutex);
    return index && index_generation == generation ? index : nullptr;
  };
  if (auto found = loaded()) return found;
  const std::lock_guard building(build_mutex);
  if (auto found = loaded()) return found;
  {
    const std::lock_guard lock(index_mutex);
    index.reset();  // the old one need not stay beside the new one
  }
  const snapshot_guard at(*db);
  const auto row = TRY(read_row(rows::meta_key("generation"), *at));
  const auto of_generation = row ? TRY(rows::decode_number(*row)) : 0;
  auto stored = TRY(stored_index(of_generation));
  const bool build = !stored;
  if (build) stored = TRY(build_index(*at));
  const auto made = std::make_shared<const privacy::clinical_index>(std::move(*stored));
  if (build && !read_only) TRY(store_index(*made, of_generation));
  const std::lock_guard lock(index_mutex);
  index = made;
  index_generation = of_generation;
  return made;
}

result<std::uint64_t> repository::count(const privacy::ccdl_query& query, const privacy::mapping& map, const privacy::ontology_tree& tree,
                                        privacy::day today) {
  const auto index = TRY(impl_->current_index());
  return TRY(privacy::count_cohort(*index, query, map, tree, today)).count;
}

result<void> repository::load_index() {
  TRY(impl_->current_index());
  return {};
}

void repository::release_index() {
  const std::lock_guard lock(impl_->index_mutex);
  impl_->index.reset();
}

std::size_t repository::index_memory_bytes() const {
  const std::lock_guard lock(impl_->index_mutex);
  return impl_->index ? impl_->index->memory_bytes() : 0;
}

}  // namespace dsf::storage
