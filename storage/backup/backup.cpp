// Taking a backup.
#include "storage/backup/backup.hpp"
#include "storage/backup/blob_copy_impl.hpp"
#include "storage/blobs/blob_store.hpp"

#include <fmt/format.h>

#include "base/mutant.hpp"
#include "storage/backup/copy_impl.hpp"
#include "storage/backup/keys_file_impl.hpp"
#include "storage/durable_folder.hpp"
#include "storage/record.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;

bool is_data_key(family f, std::string_view key) {
  if (DSF_MUTANT("storage.backup_holds_keys")) return false;
  return f == family::meta && key.starts_with(static_cast<char>(table::data_key));
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  std::error_code ec;
  const auto inner = fs::weakly_canonical(file, ec).lexically_relative(fs::weakly_canonical(folder, ec));
  return !inner.empty() && *inner.begin() != "..";
}

result<backup_report> copy_out(const store_view& view, const fs::path& rows, const backup_watch& watch, backup_manifest& manifest) {
  auto to = TRY(open_rocks_kv(rows, copy_settings(), true, false));
  row_writer writer(*to);
  row_count count(watch);
  backup_report report;
  for (std::size_t i = 0; i < family_count; ++i) {
    const auto f = static_cast<family>(i);
    result<void> failed;
    TRY(view.below().scan(f, {}, [&](std::string_view key, std::string_view value) {
      if (is_data_key(f, key)) {
        ++report.keys;
        return true;
      }
      manifest.families[i].add(key, value);
      failed = writer.put(f, key, value);
      if (failed && !count.add(key.size() + value.size())) failed = stopped();
      return failed.has_value();
    }));
    TRY(std::move(failed));
  }
  TRY(writer.finish());
  report.rows = count.now().rows;
  report.bytes = count.now().bytes;
  return report;
}

result<std::shared_ptr<const store_view>> view_of(const store& from) {
  auto view = from.view();
  if (!view) return fail(errc::closed, "the store is closed");
  return view;
}

}  // namespace

result<void> need_empty(const fs::path& folder) {
  std::error_code ec;
  if (!fs::exists(folder, ec)) return {};
  if (!fs::is_directory(folder, ec))
    return fail(errc::not_a_store, "this is a file; name a folder that is empty or not there", folder.string());
  const bool empty = fs::is_empty(folder, ec);
  if (ec) return fail(errc::io, fmt::format("can't read the folder: {}", ec.message()), folder.string());
  if (!empty) return fail(errc::not_a_store, "this folder is not empty; name one that is empty or not there", folder.string());
  return {};
}

result<backup_report> back_up(const store& from, const base::clock& time, const fs::path& destination, const fs::path& keys,
                              const backup_watch& watch) {
  TRY(need_empty(destination));
  std::error_code ec;
  if (!keys.empty()) {
    if (is_inside(keys, destination))
      return fail(errc::not_a_store, "the data keys must not lie in the backup they open: name another folder", keys.string());
    if (fs::exists(keys, ec)) return fail(errc::not_a_store, "there is a file of this name already; name another one", keys.string());
  }
  const auto view = TRY(view_of(from));
  const auto about = from.status();
  backup_manifest manifest;
  manifest.store_format = format_version;
  manifest.release = about.created_by;
  manifest.site = about.site_id;
  manifest.sequence = view->sequence();
  manifest.taken = base::to_iso(time.now());

  TRY(make_durable_folder(destination));
  const auto rows = destination / "rows";
  const auto taken = [&]() -> result<backup_report> {
    auto report = TRY(copy_out(*view, rows, watch, manifest));
    report.sequence = manifest.sequence;
    if (!keys.empty()) TRY(write_keys_file(view->below(), {manifest.site, manifest.sequence}, keys, false));
    TRY(make_durable_folder(rows));  // its name is synced
    if (const auto* blobs = from.blobs()) manifest.blobs = TRY(copy_blobs(blobs->folder(), destination / "blobs"));
    TRY(write_manifest(destination, manifest));
    return report;
  }();
  if (!taken) {
    fs::remove_all(rows, ec);
    fs::remove_all(destination / "blobs", ec);
    if (!keys.empty()) fs::remove(keys, ec);
  }
  return taken;
}

result<backup_report> write_data_keys(const store& from, const fs::path& file) {
  const auto view = TRY(view_of(from));
  backup_report report;
  report.sequence = view->sequence();
  report.keys = TRY(write_keys_file(view->below(), {from.status().site_id, report.sequence}, file, true));
  return report;
}

}  // namespace dsf::storage
