// Reads NDJSON and Bundles into a repository, batch by batch.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "privacy/search_parameters.hpp"
#include "storage/repository/bundle.hpp"
#include "storage/repository/repository_impl.hpp"

namespace dsf::storage {

namespace rows = repository_rows;

namespace {

constexpr std::size_t head_bytes = 64 << 10;

// Tells a changed file from the one an unfinished import stopped in.
std::uint64_t hash_head(std::istream& in) {
  std::string head(head_bytes, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  in.clear();
  in.seekg(0);
  std::uint64_t h = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : head) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return h;
}

// One line, without its end; stops at a limit instead of filling memory.
enum class line_end { line, file, too_long };
line_end read_line(std::istream& in, std::string& line, std::size_t limit) {
  line.clear();
  auto* buffer = in.rdbuf();
  for (int c = buffer->sbumpc(); c != std::char_traits<char>::eof(); c = buffer->sbumpc()) {
    if (c == '\n') return line_end::line;
    if (line.size() >= limit) return line_end::too_long;
    line.push_back(static_cast<char>(c));
  }
  in.setstate(std::ios::eofbit);
  return line.empty() ? line_end::file : line_end::line;
}

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view space = " \t\r\n";
  const auto from = s.find_first_not_of(space);
  return from == std::string_view::npos ? std::string_view{} : s.substr(from, s.find_last_not_of(space) - from + 1);
}

base::error located(base::error cause, const std::string& place) {
  std::string text = cause.place().empty() ? cause.text() : cause.place() + ": " + cause.text();
  return {privacy::errc::resource, std::move(text), place};
}

class importer {
public:
  importer(repository::impl& into, const import_settings& settings, std::string source, std::uint64_t total)
      : settings_(settings), source_(std::move(source)), total_(total), batch_(into, settings) {}

  import_report report;
  rows::import_position position;
  std::string position_key;  // empty: not resumable

  result<void> ndjson(std::istream& in) {
    std::string line;
    for (;;) {
      const auto end = read_line(in, line, settings_.line_bytes);
      if (end == line_end::file) break;
      const auto place = fmt::format("{}:{}", source_, position.line + 1);
      if (end == line_end::too_long)
        return base::failure(base::error(
            errc::too_large, fmt::format("the line is longer than {} bytes, the limit of one resource", settings_.line_bytes), place));
      std::string_view text = line;
      if (position.line == 0 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
      text = trimmed(text);
      if (!text.empty()) TRY(one(text, place));
      position.offset += line.size() + (in.eof() ? 0 : 1);
      ++position.line;
      if (batch_.full() && !TRY(flush(false))) return {};
    }
    if (in.bad()) return base::failure(base::error(errc::io, "reading failed", source_));
    TRY(flush(true));
    return {};
  }

  result<void> entries(const std::vector<base::json>& resources) {
    // Checked before the first is written: a Bundle with an error leaves nothing behind.
    if (settings_.stop_at_error)
      for (std::size_t i = 0; i < resources.size(); ++i)
        if (auto ok = privacy::check_clinical(resources[i]); !ok) return base::failure(located(std::move(ok).error(), entry_place(i)));
    for (auto i = static_cast<std::size_t>(position.offset); i < resources.size(); ++i) {
      if (auto ok = batch_.add(resources[i], resources[i].dump()); !ok) TRY(skip(located(std::move(ok).error(), entry_place(i))));
      position.offset = i + 1;
      if (batch_.full() && !TRY(flush(false))) return {};
    }
    TRY(flush(true));
    return {};
  }

private:
  std::string entry_place(std::size_t i) const { return fmt::format("{}: entry[{}]", source_, i); }

  result<void> one(std::string_view text, const std::string& place) {
    auto parsed = base::json::parse(text);
    if (!parsed) return skip(located(std::move(parsed).error(), place));
    if (auto ok = batch_.add(*parsed, text); !ok) return skip(located(std::move(ok).error(), place));
    return {};
  }

  result<void> skip(base::error e) {
    if (settings_.stop_at_error) return base::failure(std::move(e));
    ++report.skipped;
    if (report.errors.size() < import_report::max_errors) report.errors.push_back(std::move(e));
    return {};
  }

  // False when the caller wants to stop.
  result<bool> flush(bool last) {
    position.finished = last;
    const auto n = batch_.size();
    TRY(batch_.flush(position_key, position));
    report.resources += n;
    report.finished = last;
    if (!settings_.progress) return true;
    return settings_.progress({source_, last && total_ ? total_ : std::min(position.offset, total_ ? total_ : position.offset), total_,
                               report.resources, report.skipped}) ||
           last;
  }

  const import_settings& settings_;
  std::string source_;
  std::uint64_t total_;
  import_batch batch_;
};

}  // namespace

result<import_report> repository::import_stream(std::istream& in, const std::string& name, const import_settings& settings) {
  const std::lock_guard lock(impl_->import_mutex);
  importer import(*impl_, settings, name, 0);
  TRY(import.ndjson(in));
  return std::move(import.report);
}

result<import_report> repository::import_file(const std::filesystem::path& file, const import_settings& settings) {
  const std::lock_guard lock(impl_->import_mutex);
  std::ifstream in(file, std::ios::binary);
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (!in || ec)
    return fail(errc::io, fmt::format("the file can't be read: {}", ec ? ec.message() : std::string("no permission")), file.string());

  importer import(*impl_, settings, file.string(), size);
  import.position_key = rows::position_key(std::filesystem::absolute(file).lexically_normal().string());
  import.position.size = size;
  import.position.head_hash = hash_head(in);
  if (const auto row = TRY(impl_->read_row(import.position_key)); row && settings.resume) {
    const auto before = TRY(rows::decode_position(*row));
    if (!before.finished && before.size == size && before.head_hash == import.position.head_hash) import.position = before;
  }
  import.report.resumed_at = import.position.offset;

  if (file.extension() != ".json") {
    in.seekg(static_cast<std::streamoff>(import.position.offset));
    TRY(import.ndjson(in));
    return std::move(import.report);
  }
  if (size > settings.bundle_bytes)
    return fail(errc::too_large,
                fmt::format("the file has {} bytes, and a Bundle is read whole (limit {}); write it as .ndjson, one resource a line", size,
                            settings.bundle_bytes),
                file.string());
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(in.gcount()) != size) return fail(errc::io, "reading failed", file.string());
  auto document = base::json::parse(text);
  if (!document) return base::failure(located(std::move(document).error(), file.string()));
  auto resources = resources_of(std::move(*document));
  if (!resources) return base::failure(located(std::move(resources).error(), file.string()));
  TRY(import.entries(*resources));
  return std::move(import.report);
}

}  // namespace dsf::storage
