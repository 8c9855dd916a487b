#include "storage/blobs/blob_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "storage/blobs/blob_files_impl.hpp"
#include "storage/view.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view being_written = "new";

result<void> make_folder(rocksdb::Env& env, const fs::path& folder, const fs::path& above) {
  if (env.FileExists(folder.string()).ok()) return {};
  if (const auto s = env.CreateDirIfMissing(folder.string()); !s.ok()) return blob_io_error(s, "make the folder", folder.string());
  std::unique_ptr<rocksdb::Directory> d;
  auto s = env.NewDirectory(above.string(), &d);
  if (s.ok()) s = d->Fsync();
  if (!s.ok()) return blob_io_error(s, "sync the folder", above.string());
  return {};
}

result<void> sync_folder(rocksdb::Env& env, const fs::path& folder) {
  std::unique_ptr<rocksdb::Directory> d;
  auto s = env.NewDirectory(folder.string(), &d);
  if (s.ok() && !DSF_MUTANT("storage.blob_name_not_synced")) s = d->Fsync();
  if (!s.ok()) return blob_io_error(s, "sync the folder", folder.string());
  return {};
}

result<std::vector<std::string>> names_in(rocksdb::Env& env, const fs::path& folder) {
  std::vector<std::string> out;
  const auto s = env.GetChildren(folder.string(), &out);
  if (s.IsNotFound() || s.IsPathNotFound()) return std::vector<std::string>{};
  if (!s.ok()) return blob_io_error(s, "read the folder", folder.string());
  std::erase_if(out, [](const std::string& n) { return n == "." || n == ".."; });
  return out;
}

}  // namespace

result<std::unique_ptr<blob_store>> blob_store::open(fs::path folder, bool read_only, base::entropy& entropy) {
  auto& env = *current_rocks_files().env;
  auto out = std::unique_ptr<blob_store>(new blob_store(std::move(folder), entropy));
  if (read_only) return out;
  const auto fresh = out->folder_ / being_written;
  for (const auto& name : TRY(names_in(env, fresh)))
    if (const auto s = env.DeleteFile((fresh / name).string()); !s.ok())
      return blob_io_error(s, "remove what was not finished", fresh / name);
  return out;
}

fs::path blob_store::new_path(base::uuid id) const { return folder_ / being_written / id.to_string(); }

fs::path blob_store::kept_path(base::uuid id, base::uuid owner) const {
  const auto name = owner.to_string();
  return folder_ / name.substr(0, 2) / (name + "." + id.to_string());
}

result<std::unique_ptr<blob_writer>> blob_store::create() {
  auto files = current_rocks_files();
  TRY(make_folder(*files.env, folder_, folder_.parent_path()));
  TRY(make_folder(*files.env, folder_ / being_written, folder_));
  blob b{base::uuid::random(*entropy_), 0, secret_key::random(*entropy_)};
  auto file = std::make_unique<blob_writer::file>();
  file->path = new_path(b.id).string();
  file->files = std::move(files);
  if (const auto s = file->files.env->NewWritableFile(file->path, &file->out, rocksdb::EnvOptions()); !s.ok())
    return blob_io_error(s, "make the blob", file->path);
  if (const auto s = file->out->Append(blob_magic); !s.ok()) return blob_io_error(s, "write to the blob", file->path);
  return std::unique_ptr<blob_writer>(new blob_writer(*this, std::move(b), std::move(file)));
}

result<void> blob_store::keep(const blob& b, base::uuid owner) {
  auto& env = *current_rocks_files().env;
  const std::lock_guard lock(mutex_);
  const auto known = under_way_.find({b.id, {}});
  const auto before = known == under_way_.end() ? std::optional<base::uuid>{} : known->owner;
  if (before == owner) return {};
  const auto from = before ? kept_path(b.id, *before) : new_path(b.id);
  const auto to = kept_path(b.id, owner);
  TRY(make_folder(env, to.parent_path(), folder_));
  if (const auto s = env.RenameFile(from.string(), to.string()); !s.ok()) return blob_io_error(s, "name the blob", to.string());
  under_way_.erase({b.id, {}});
  under_way_.insert({b.id, owner});
  return sync_folder(env, to.parent_path());
}

void blob_store::committed(const blob& b) {
  const std::lock_guard lock(mutex_);
  under_way_.erase({b.id, {}});
}

void blob_store::dropped(const blob& b) {
  auto& env = *current_rocks_files().env;
  const std::lock_guard lock(mutex_);
  const auto known = under_way_.find({b.id, {}});
  // What can't be removed now is an orphan, or a beginning, for the next sweep or start.
  (void)env.DeleteFile((known == under_way_.end() ? new_path(b.id) : kept_path(b.id, *known->owner)).string());
  if (known != under_way_.end()) under_way_.erase(known);
}

result<std::unique_ptr<blob_reader>> blob_store::read(const blob& b, base::uuid owner) const {
  auto file = std::make_unique<blob_reader::file>();
  file->files = current_rocks_files();
  const auto place = kept_path(b.id, owner).string();
  std::uint64_t bytes = 0;
  auto s = file->files.env->GetFileSize(place, &bytes);
  if (s.ok()) s = file->files.env->NewRandomAccessFile(place, &file->in, rocksdb::EnvOptions());
  if (!s.ok()) return blob_io_error(s, "open the blob", place);
  if (bytes != blob_file_bytes(b.size))
    return fail(errc::damaged, fmt::format("the blob's file has {} bytes, its {} bytes need {}", bytes, b.size, blob_file_bytes(b.size)),
                place);
  return std::unique_ptr<blob_reader>(new blob_reader(b, place, std::move(file)));
}

result<std::vector<blob_store::kept_file>> blob_store::files() const {
  auto& env = *current_rocks_files().env;
  std::vector<kept_file> out;
  for (const auto& sub : TRY(names_in(env, folder_))) {
    if (sub.size() != 2) continue;
    for (const auto& name : TRY(names_in(env, folder_ / sub))) {
      const auto dot = name.find('.');
      const auto owner = base::uuid::parse(name.substr(0, dot));
      const auto id = dot == name.npos ? base::uuid::parse("") : base::uuid::parse(name.substr(dot + 1));
      if (!owner || !id) continue;
      kept_file f{fs::path(sub) / name, *owner, *id, 0};
      // One that went meanwhile is none.
      if (!env.GetFileSize((folder_ / f.path).string(), &f.bytes).ok()) continue;
      out.push_back(std::move(f));
    }
  }
  return out;
}

result<std::size_t> blob_store::sweep(const std::function<std::shared_ptr<const store_view>()>& newest, std::optional<base::uuid> of) {
  auto& env = *current_rocks_files().env;
  // In this order: a file that is listed is under way now, or its commit is in the view that is taken after that.
  auto all = TRY(files());
  std::erase_if(all, [&](const kept_file& f) { return of && f.owner != *of; });
  if (all.empty()) return std::size_t{0};
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(all, [&](const kept_file& f) { return under_way_.contains({f.id, {}}); });
  }
  const auto view = newest();
  if (!view) return fail(errc::closed, "the store is closed");
  std::size_t removed = 0;
  for (const auto& f : all) {
    const auto used = TRY(view->blobs_of(f.owner));
    if (std::ranges::find(used, f.id, &blob::id) != used.end() && !DSF_MUTANT("storage.blob_swept_in_use")) continue;
    if (const auto s = env.DeleteFile((folder_ / f.path).string()); !s.ok() && !s.IsNotFound() && !s.IsPathNotFound())
      return blob_io_error(s, "remove the blob", (folder_ / f.path).string());
    ++removed;
  }
  return removed;
}

}  // namespace dsf::storage
