// Making a store of a backup, and checking either.
#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "storage/backup/backup.hpp"
#include "storage/backup/blob_copy_impl.hpp"
#include "storage/backup/copy_impl.hpp"
#include "storage/backup/keys_file_impl.hpp"
#include "storage/blobs/blob_store.hpp"
#include "storage/durable_folder.hpp"
#include "storage/index_check.hpp"
#include "storage/record.hpp"
#include "storage/store_folder_impl.hpp"
#include "storage/store_rows_impl.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;

// Numbers of instances that the site gave out after the backup are not given again: what other sites got from those has identifiers made of them.
constexpr std::uint64_t instances_skipped = std::uint64_t{1} << 32;

result<std::string> skip_instances(std::string_view value) {
  const auto content = TRY(value_content(value));
  base::byte_reader in(content);
  const auto reserved = in.u64();
  if (!in.at_end()) return fail(errc::damaged, "the backup's row of instance numbers does not read as a number");
  return to_value(to_number_value(reserved + instances_skipped));
}

base::failure not_whole(family f, const fs::path& backup) {
  return fail(errc::damaged, fmt::format("the backup is not whole: its rows of family '{}' are not those that were written", name_of(f)),
              backup.string());
}

base::failure blobs_differ(const fs::path& backup) {
  return fail(errc::damaged, "the backup is not whole: its blobs are not those that were written", (backup / "blobs").string());
}

// Every row of a backup, compared with its manifest.
result<backup_report> read_backup(const fs::path& backup, const backup_manifest& manifest, const backup_watch& watch,
                                  const std::function<result<void>(family, std::string_view, std::string_view)>& row) {
  const auto from = TRY(open_rocks_kv(backup / "rows", copy_settings(), false, true));
  row_count count(watch);
  for (std::size_t i = 0; i < family_count; ++i) {
    const auto f = static_cast<family>(i);
    row_tally tally;
    result<void> failed;
    TRY(from->scan(f, {}, [&](std::string_view key, std::string_view value) {
      tally.add(key, value);
      failed = row(f, key, value);
      if (failed && !count.add(key.size() + value.size())) failed = stopped();
      return failed.has_value();
    }));
    TRY(std::move(failed));
    if (tally != manifest.families[i]) return not_whole(f, backup);
  }
  return backup_report{manifest.sequence, count.now().rows, count.now().bytes, 0};
}

result<check_report> check_rows(const kv_reader& rows, const backup_watch& watch) {
  row_count count(watch);
  check_report report;
  for (std::size_t i = 0; i < family_count; ++i) {
    const auto f = static_cast<family>(i);
    result<void> failed;
    TRY(rows.scan(f, {}, [&](std::string_view key, std::string_view value) {
      const auto t = static_cast<table>(key.empty() ? '\0' : key.front());
      if (t == table::resource || t == table::history) {
        if (auto r = parse_record(value); !r) failed = base::failure(std::move(r).error());
      } else if (t != table::snapshot && t != table::unique && t != table::ordinal) {
        if (auto c = parse_value(value); !c) failed = base::failure(std::move(c).error());
      }
      if (!failed) {
        failed = base::failure(std::move(failed).error().at(fmt::format("row {}", base::to_hex(key))));
        return false;
      }
      if (t == table::data_key) ++report.keys;
      if (!count.add(key.size() + value.size())) failed = stopped();
      return failed.has_value();
    }));
    TRY(std::move(failed));
  }
  report.rows = count.now().rows;
  report.bytes = count.now().bytes;
  return report;
}

// Every blob that a version of a Binary refers to, from its first byte to its last.
result<void> check_blobs(const store_view& view, const blob_store& blobs) {
  for (const auto& id : TRY(view.all_ids("Binary", SIZE_MAX)))
    for (const auto& b : TRY(view.blobs_of(id))) {
      const auto reader = TRY(blobs.read(b, id));
      for (std::uint64_t at = 0; at < b.size;) at += TRY(reader->read(at, 1 << 20)).size();
    }
  return {};
}

}  // namespace

result<backup_report> restore(const fs::path& backup, const fs::path& destination, const fs::path& keys, const backup_watch& watch) {
  const auto manifest = TRY(read_manifest(backup));
  TRY(need_empty(destination));
  if (!keys.empty()) {
    const auto head = TRY(read_keys_head(keys));
    if (head.site != manifest.site) return fail(errc::not_a_store, "these data keys are of another store than the backup", keys.string());
    if (head.sequence < manifest.sequence)
      return fail(
          errc::not_a_store,
          "these data keys are older than the backup: those of what was written in between are missing. Use the file that was written "
          "with the backup, or a later one",
          keys.string());
  }
  TRY(make_durable_folder(destination));
  const auto rows = destination / "rows";
  const auto made = [&]() -> result<backup_report> {
    const auto to = TRY(open_rocks_kv(rows, copy_settings(), true, false));
    row_writer writer(*to);
    const auto instances = row_keys::of(table::meta, instances_row);
    auto report = TRY(read_backup(backup, manifest, watch, [&](family f, std::string_view key, std::string_view value) -> result<void> {
      if (f == family::meta && key == instances) return writer.put(f, key, TRY(skip_instances(value)));
      return writer.put(f, key, value);
    }));
    if (!keys.empty())
      report.keys = TRY(read_keys_file(
          keys, [&](std::string_view key, std::string_view value) -> result<void> { return writer.put(family::meta, key, value); }));
    if (!DSF_MUTANT("storage.restored_not_marked"))
      TRY(writer.put(family::meta, row_keys::of(table::meta, restored_row), to_value(manifest.taken)));
    TRY(writer.finish());
    TRY(read_store_rows(*to));
    if (TRY(copy_blobs(backup / "blobs", destination / "blobs")) != manifest.blobs) return blobs_differ(backup);
    return report;
  }();
  std::error_code ec;
  if (!made) {
    fs::remove_all(rows, ec);
    fs::remove_all(destination / "blobs", ec);
    return made;
  }
  TRY(make_durable_folder(rows));
  TRY(write_store_marker(destination, manifest.release, true));
  return made;
}

result<check_report> check(const fs::path& backup_or_store, const backup_watch& watch) {
  const std::atomic<bool> go_on = false;
  if (has_manifest(backup_or_store)) {
    const auto manifest = TRY(read_manifest(backup_or_store));
    TRY(TRY(open_rocks_kv(backup_or_store / "rows", copy_settings(), false, true))->verify(go_on));
    const auto read =
        TRY(read_backup(backup_or_store, manifest, watch, [](family, std::string_view, std::string_view) -> result<void> { return {}; }));
    if (TRY(copy_blobs(backup_or_store / "blobs", {})) != manifest.blobs) return blobs_differ(backup_or_store);
    return check_report{true, manifest.sequence, read.rows, read.bytes, 0};
  }
  store_options options;
  options.path = backup_or_store;
  options.create = false;
  options.read_only = true;
  options.limits.verify_at_open_bytes = UINT64_MAX;
  const auto opened = TRY(store::open(std::move(options)));
  const auto view = opened->view();
  auto report = TRY(check_rows(view->below(), watch));
  const auto index = TRY(check_index(*view, {}, [&](std::uint64_t rows) { return watch({report.rows + rows, report.bytes}); }));
  if (!index.whole())
    return fail(errc::damaged,
                fmt::format("the index does not fit the resources: {} rows are missing, {} are of no resource; {}", index.missing,
                            index.stray, index.examples.front()),
                backup_or_store.string());
  if (const auto* blobs = opened->blobs()) TRY(check_blobs(*view, *blobs));
  report.sequence = view->sequence();
  return report;
}

}  // namespace dsf::storage
