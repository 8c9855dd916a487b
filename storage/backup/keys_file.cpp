#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/bytes.hpp"
#include "storage/backup/keys_file_impl.hpp"
#include "storage/checksum.hpp"
#include "storage/tables.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view title = "dsfd data keys";
constexpr std::size_t buffer_bytes = 64 << 10;
constexpr std::uint32_t part_bytes_at_most = 1 << 20;

base::failure io_error(std::string_view what, const fs::path& place) {
  return fail(errc::io, fmt::format("can't {}: {}", what, std::strerror(errno)), place.string());
}
base::failure not_whole(const fs::path& file) {
  return fail(errc::damaged, "this file of data keys is not whole; use another one, or restore without keys", file.string());
}

// A file that is written from its beginning to its end. Without finish() nothing of it stays.
class new_file {
public:
  explicit new_file(fs::path path) : path_(std::move(path)), file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
  ~new_file() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(path_.c_str());
  }
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;
  [[nodiscard]] bool is_open() const { return file_ >= 0; }

  result<void> add(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() < buffer_bytes ? result<void>{} : flush();
  }
  // Under its own name, in the place of what had it; durable.
  result<void> finish(const fs::path& name) {
    TRY(flush());
    if (::fsync(file_) != 0) return io_error("sync", path_);
    if (::rename(path_.c_str(), name.c_str()) != 0) return io_error("write", name);
    ::close(std::exchange(file_, -1));
    const int folder = ::open(fs::absolute(path_).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool ok = folder >= 0 && ::fsync(folder) == 0;
    const int why = errno;
    if (folder >= 0) ::close(folder);
    errno = why;
    return ok ? result<void>{} : io_error("sync the folder of", path_);
  }

private:
  result<void> flush() {
    for (std::string_view rest = buffer_; !rest.empty();) {
      const auto n = ::write(file_, rest.data(), rest.size());
      if (n < 0 && errno != EINTR) return io_error("write", path_);
      if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
    }
    buffer_.clear();
    return {};
  }
  fs::path path_;
  int file_;
  std::string buffer_;
};

std::string with_lengths(std::string_view key, std::string_view value) {
  std::string out;
  base::put_u32(out, static_cast<std::uint32_t>(key.size()));
  base::put_u32(out, static_cast<std::uint32_t>(value.size()));
  out += key;
  out += value;
  return out;
}

result<keys_head> parse_head(std::istream& in, const fs::path& file) {
  keys_head head;
  std::string line;
  if (!std::getline(in, line) || line != title)
    return fail(errc::not_a_store, "this is no file of data keys that dsfctl store backup --keys wrote", file.string());
  std::uint64_t format = 0;
  bool ok = true;
  const auto number = [&](std::string_view text, std::uint64_t& to) {
    ok = ok && std::from_chars(text.data(), text.data() + text.size(), to).ptr == text.data() + text.size();
  };
  while (std::getline(in, line) && !line.empty()) {
    const std::string_view l = line;
    if (l.starts_with("format ")) number(l.substr(7), format);
    if (l.starts_with("site ")) head.site = l.substr(5);
    if (l.starts_with("sequence ")) number(l.substr(9), head.sequence);
  }
  if (!in || !ok || format == 0 || head.site.empty()) return not_whole(file);
  if (format > 1) return fail(errc::newer_format, "this file of data keys was written by a newer release", file.string());
  return head;
}

result<std::ifstream> open_to_read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return io_error("read", file);
  return in;
}

}  // namespace

result<std::uint64_t> write_keys_file(const kv_reader& rows, const keys_head& head, const fs::path& file, bool replace) {
  std::error_code ec;
  if (!replace && fs::exists(file, ec))
    return fail(errc::not_a_store, "there is a file of this name already; name another one", file.string());
  const fs::path next = file.string() + ".new";
  fs::remove(next, ec);
  new_file out(next);
  if (!out.is_open()) return io_error("write", next);
  TRY(out.add(fmt::format("{}\nformat 1\nsite {}\nsequence {}\n\n", title, head.site, head.sequence)));
  std::uint64_t count = 0;
  std::uint32_t crc = 0;
  result<void> failed;
  TRY(rows.scan(family::meta, key_range::prefix(std::string(1, static_cast<char>(table::data_key))),
                [&](std::string_view key, std::string_view value) {
                  const auto row = with_lengths(key, value);
                  crc = crc32c(crc, row);
                  ++count;
                  failed = out.add(row);
                  return failed.has_value();
                }));
  TRY(std::move(failed));
  std::string end;
  base::put_u32(end, 0);  // no key is empty
  base::put_u64(end, count);
  base::put_u32(end, crc);
  TRY(out.add(end));
  TRY(out.finish(file));
  return count;
}

result<keys_head> read_keys_head(const fs::path& file) {
  auto in = TRY(open_to_read(file));
  return parse_head(in, file);
}

result<std::uint64_t> read_keys_file(const fs::path& file,
                                     const std::function<result<void>(std::string_view key, std::string_view value)>& row) {
  auto in = TRY(open_to_read(file));
  TRY(parse_head(in, file));
  const auto take = [&](std::string& to, std::size_t n) {
    to.resize(n);
    return static_cast<bool>(in.read(to.data(), static_cast<std::streamsize>(n)));
  };
  std::uint64_t count = 0;
  std::uint32_t crc = 0;
  std::string bytes, body;
  for (;;) {
    if (!take(bytes, 4)) return not_whole(file);
    const auto key_length = base::byte_reader(bytes).u32();
    if (key_length == 0) break;
    if (!take(bytes, 4)) return not_whole(file);
    const auto value_length = base::byte_reader(bytes).u32();
    if (key_length > part_bytes_at_most || value_length > part_bytes_at_most || !take(body, std::size_t{key_length} + value_length))
      return not_whole(file);
    const auto whole = std::string_view(body);
    const auto key = whole.substr(0, key_length), value = whole.substr(key_length);
    if (key.front() != static_cast<char>(table::data_key)) return not_whole(file);
    crc = crc32c(crc, with_lengths(key, value));
    ++count;
    TRY(row(key, value));
  }
  if (!take(bytes, 12)) return not_whole(file);
  base::byte_reader end(bytes);
  if (end.u64() != count || end.u32() != crc || in.peek() != std::ifstream::traits_type::eof()) return not_whole(file);
  return count;
}

}  // namespace dsf::storage
