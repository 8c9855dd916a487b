#include "plugins/archive.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zip.h>

#include <fstream>
#include <map>
#include <sstream>

#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::result;

constexpr std::uint64_t ratio_counts_from = 1u << 20;
constexpr std::size_t faults_told = 50;

struct zip_closer {
  void operator()(zip_t* z) const { zip_discard(z); }
};
struct file_closer {
  void operator()(zip_file_t* f) const { zip_fclose(f); }
};

std::string text_of(zip_error_t& e) {
  std::string text = zip_error_strerror(&e);
  zip_error_fini(&e);
  return text;
}

// Something that unpacks to a file: no folder, link or device.
bool is_plain_file(zip_t* z, zip_uint64_t index) {
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(z, index, 0, &system, &attributes) != 0 || system != ZIP_OPSYS_UNIX) return true;
  const auto mode = attributes >> 16;
  return (mode & S_IFMT) == 0 || S_ISREG(mode) || S_ISDIR(mode);
}

}  // namespace

std::string fault_of_name(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name.front() == '/' || (name.size() > 1 && name[1] == ':')) return "the name is absolute; names are relative to the bundle";
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f) return "the name has a backslash or a control character";
  for (std::size_t from = 0; from <= name.size();) {
    const auto end = std::min(name.find('/', from), name.size());
    const auto part = name.substr(from, end - from);
    if (part == "..") return "the name leads out of the bundle ('..')";
    if (part == "." || (part.empty() && end != name.size())) return "the name has an empty part or '.'";
    from = end + 1;
  }
  return {};
}

struct archive::impl {
  std::string bytes, name;
  archive_limits limits;
  std::unique_ptr<zip_t, zip_closer> zip;
  std::vector<std::string> names;
  std::map<std::string, zip_uint64_t, std::less<>> by_name;
  std::uint64_t total_read = 0;

  result<> look() {
    zip_error_t e;
    zip_error_init(&e);
    auto* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &e);
    if (!source) return fail(errc::bad_archive, "the zip can't be read: " + text_of(e), name);
    zip.reset(zip_open_from_source(source, ZIP_RDONLY, &e));
    if (!zip) {
      zip_source_free(source);
      return fail(errc::bad_archive, "this is no readable zip file: " + text_of(e) + "; pack the bundle's folder again", name);
    }
    zip_error_fini(&e);
    const auto count = zip_get_num_entries(zip.get(), 0);
    if (count < 0 || static_cast<std::uint64_t>(count) > limits.entries)
      return fail(errc::bad_archive, fmt::format("it has {} entries; {} are the limit", count, limits.entries), name);
    std::vector<std::string> faults;
    const auto wrong = [&](const std::string& entry, const std::string& text) {
      faults.push_back(fmt::format("{}!{}: {}", name, entry, text));
    };
    std::uint64_t total = 0;
    for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
      zip_stat_t s;
      if (zip_stat_index(zip.get(), i, 0, &s) != 0 || !(s.valid & ZIP_STAT_NAME)) {
        wrong(fmt::format("entry {}", i), "it can't be read; pack the bundle again");
        continue;
      }
      const std::string entry = s.name;
      if (entry.size() > limits.name_bytes) {
        wrong(entry.substr(0, 40) + "...", fmt::format("the name has {} bytes; {} are the limit", entry.size(), limits.name_bytes));
        continue;
      }
      if (const auto bad = fault_of_name(entry); !bad.empty()) {
        wrong(fmt::format("entry {}", i), bad);
        continue;
      }
      if (!is_plain_file(zip.get(), i)) wrong(entry, "it is a link or a device; pack plain files");
      if (entry.ends_with('/')) continue;
      if ((s.valid & ZIP_STAT_ENCRYPTION_METHOD) && s.encryption_method != ZIP_EM_NONE)
        wrong(entry, "it is encrypted; pack it without a password");
      if (!by_name.emplace(entry, i).second) {
        wrong(entry, "the name occurs twice; which of them counts is not defined");
        continue;
      }
      names.push_back(entry);
      const auto size = s.valid & ZIP_STAT_SIZE ? s.size : 0;
      // Of what is never read only the number counts.
      if (limits.read_few) continue;
      if (size > limits.entry_bytes) wrong(entry, fmt::format("it unpacks to {} bytes; {} are the limit", size, limits.entry_bytes));
      if (const auto packed = s.valid & ZIP_STAT_COMP_SIZE ? s.comp_size : 0; size > ratio_counts_from && size / limits.ratio > packed)
        wrong(entry, fmt::format("it unpacks to {} bytes from {}: more than {} times is not taken", size, packed, limits.ratio));
      // A sum of entries that are each below 2^63 and of which there are few can't wrap.
      total += std::min<std::uint64_t>(size, std::uint64_t{1} << 40);
    }
    if (!limits.read_few && total > limits.total_bytes)
      faults.push_back(fmt::format("{}: it unpacks to {} bytes; {} are the limit", name, total, limits.total_bytes));
    if (faults.empty()) return {};
    std::string all;
    for (std::size_t i = 0; i < faults.size() && i < faults_told; ++i) all += (all.empty() ? "" : "\n") + faults[i];
    if (faults.size() > faults_told) all += fmt::format("\n{}: and {} faults more", name, faults.size() - faults_told);
    return fail(errc::bad_archive, all);
  }

  // What comes out counts, not what the directory says of it.
  result<std::string> read(std::string_view entry) {
    const auto at = by_name.find(entry);
    if (at == by_name.end()) return fail(errc::bad_archive, "the archive has no such file", fmt::format("{}!{}", name, entry));
    const auto place = fmt::format("{}!{}", name, entry);
    zip_stat_t s;
    if (zip_stat_index(zip.get(), at->second, 0, &s) != 0) return fail(errc::bad_archive, "it can't be read; pack the bundle again", place);
    const auto packed = s.valid & ZIP_STAT_COMP_SIZE ? s.comp_size : 0;
    std::unique_ptr<zip_file_t, file_closer> file(zip_fopen_index(zip.get(), at->second, 0));
    if (!file) return fail(errc::bad_archive, fmt::format("it can't be unpacked: {}", zip_strerror(zip.get())), place);
    std::string out;
    char chunk[64 << 10];
    for (;;) {
      const auto n = zip_fread(file.get(), chunk, sizeof chunk);
      if (n < 0) return fail(errc::bad_archive, "it is damaged; pack the bundle again", place);
      if (n == 0) break;
      out.append(chunk, static_cast<std::size_t>(n));
      if (out.size() > limits.entry_bytes)
        return fail(errc::bad_archive, fmt::format("it unpacks to more than {} bytes", limits.entry_bytes), place);
      if (out.size() > ratio_counts_from && out.size() / limits.ratio > packed)
        return fail(errc::bad_archive, fmt::format("it unpacks to more than {} times its packed size", limits.ratio), place);
      if (total_read + out.size() > limits.total_bytes)
        return fail(errc::bad_archive, fmt::format("what is read of the archive unpacks to more than {} bytes", limits.total_bytes), place);
    }
    total_read += out.size();
    return out;
  }
};

archive::archive(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
archive::archive(archive&&) noexcept = default;
archive& archive::operator=(archive&&) noexcept = default;
archive::~archive() = default;

result<archive> archive::open(const std::filesystem::path& file, const archive_limits& limits) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (ec) return fail(errc::bad_archive, "the file is missing or can't be read", file.string());
  if (size > limits.file_bytes)
    return fail(errc::bad_archive, fmt::format("the file has {} bytes; {} are the limit", size, limits.file_bytes), file.string());
  std::ifstream in{file, std::ios::binary};
  std::string bytes(size, '\0');
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) return fail(errc::bad_archive, "the file can't be read", file.string());
  return parse(std::move(bytes), file.string(), limits);
}

result<archive> archive::parse(std::string bytes, std::string name, const archive_limits& limits) {
  if (bytes.size() > limits.file_bytes)
    return fail(errc::bad_archive, fmt::format("the file has {} bytes; {} are the limit", bytes.size(), limits.file_bytes), name);
  auto i = std::make_unique<impl>();
  i->bytes = std::move(bytes);
  i->name = std::move(name);
  i->limits = limits;
  TRY(i->look());
  return archive(std::move(i));
}

const std::vector<std::string>& archive::names() const { return impl_->names; }
bool archive::has(std::string_view name) const { return impl_->by_name.contains(name); }
result<std::string> archive::read(std::string_view name) { return impl_->read(name); }

}  // namespace dsf::plugins
