#include <fmt/format.h>

#include <charconv>

#include "base/bytes.hpp"
#include "storage/backup/manifest_impl.hpp"
#include "storage/checksum.hpp"
#include "storage/small_file.hpp"
#include "storage/store.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view manifest_name = "BACKUP";
constexpr std::string_view title = "dsfd backup\n";
constexpr std::uint64_t manifest_format = 1;

template <class Int>
bool parse_number(std::string_view text, Int& out, int base = 10) {
  const auto end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, out, base);
  return r.ec == std::errc{} && r.ptr == end;
}

// Up to the next `by`, which is taken too.
std::string_view next_part(std::string_view& text, char by) {
  const auto end = text.find(by);
  const auto part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

bool parse_tally(std::string_view line, row_tally& t) {
  return parse_number(next_part(line, ' '), t.rows) && parse_number(next_part(line, ' '), t.bytes) && parse_number(line, t.crc, 16);
}

bool parse_rows(std::string_view line, backup_manifest& m) {
  const auto name = next_part(line, ' ');
  for (std::size_t f = 0; f < family_count; ++f) {
    if (name_of(static_cast<family>(f)) != name) continue;
    return parse_tally(line, m.families[f]);
  }
  return false;
}

}  // namespace

void row_tally::add(std::string_view key, std::string_view value) {
  std::string lengths;
  base::put_u32(lengths, static_cast<std::uint32_t>(key.size()));
  base::put_u32(lengths, static_cast<std::uint32_t>(value.size()));
  crc = crc32c(crc32c(crc32c(crc, lengths), key), value);
  bytes += key.size() + value.size();
  ++rows;
}

bool has_manifest(const fs::path& folder) {
  std::error_code ec;
  return fs::exists(folder / manifest_name, ec);
}

result<void> write_manifest(const fs::path& backup, const backup_manifest& m) {
  auto text = fmt::format("{}format {}\nstore-format {}\nrelease {}\nsite {}\nsequence {}\ntaken {}\n", title, manifest_format,
                          m.store_format, m.release, m.site, m.sequence, m.taken);
  for (std::size_t f = 0; f < family_count; ++f) {
    const auto& t = m.families[f];
    text += fmt::format("rows {} {} {} {:08x}\n", name_of(static_cast<family>(f)), t.rows, t.bytes, t.crc);
  }
  if (m.blobs.rows > 0) text += fmt::format("blobs {} {} {:08x}\n", m.blobs.rows, m.blobs.bytes, m.blobs.crc);
  text += fmt::format("check {:08x}\n", crc32c(0, text));
  return write_small(backup / manifest_name, text);
}

result<backup_manifest> read_manifest(const fs::path& backup) {
  std::error_code ec;
  if (!fs::is_directory(backup, ec)) return fail(errc::not_a_store, "there is no such folder", backup.string());
  const auto found = TRY(read_small(backup / manifest_name));
  if (!found)
    return fail(errc::not_a_store, "this folder is no backup that was finished: it has no file BACKUP, which is written last",
                backup.string());
  const auto place = (backup / manifest_name).string();
  const auto damaged = [&] { return fail(errc::damaged, "the backup's file BACKUP does not check out; take another backup", place); };
  const std::string_view all = *found;
  if (!all.starts_with(title))
    return fail(errc::not_a_store, "this folder is no backup of a dsfd store: its file BACKUP is something else", place);
  const auto last = all.rfind("check ");
  std::uint32_t crc = 0;
  if (last == std::string_view::npos || all.size() != last + 15 || !parse_number(all.substr(last + 6, 8), crc, 16) ||
      crc != crc32c(0, all.substr(0, last)))
    return damaged();
  backup_manifest m;
  std::uint64_t format = 0;
  bool ok = true;
  for (auto rest = all.substr(title.size(), last - title.size()); !rest.empty();) {
    auto line = next_part(rest, '\n');
    const auto name = next_part(line, ' ');
    if (name == "format") ok = ok && parse_number(line, format);
    if (name == "store-format") ok = ok && parse_number(line, m.store_format);
    if (name == "release") m.release = line;
    if (name == "site") m.site = line;
    if (name == "sequence") ok = ok && parse_number(line, m.sequence);
    if (name == "taken") m.taken = line;
    if (name == "rows") ok = ok && parse_rows(line, m);
    if (name == "blobs") ok = ok && parse_tally(line, m.blobs);
  }
  if (!ok || format == 0 || m.site.empty()) return damaged();
  if (format > manifest_format || m.store_format > format_version)
    return fail(errc::newer_format,
                fmt::format("this backup was taken by release {}; install that release or a newer one to restore it", m.release), place);
  return m;
}

}  // namespace dsf::storage
