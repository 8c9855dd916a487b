#include "storage/wal_check.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "base/mutant.hpp"
#include "storage/checksum.hpp"

namespace dsf::storage {
namespace {

constexpr std::size_t block_size = 32'768;
constexpr std::size_t header_size = 7;
enum record_type : std::uint8_t { zero = 0, full = 1, first = 2, middle = 3, last = 4 };

struct header {
  std::uint32_t crc = 0;
  std::size_t length = 0;
  std::uint8_t type = 0;
};

header read_header(std::string_view at) {
  header h;
  std::memcpy(&h.crc, at.data(), 4);
  h.length = static_cast<std::uint8_t>(at[4]) | static_cast<std::size_t>(static_cast<std::uint8_t>(at[5])) << 8;
  h.type = static_cast<std::uint8_t>(at[6]);
  return h;
}

bool checks_out(const header& h, std::string_view at, std::size_t length) { return mask_crc(crc32c(0, at.substr(6, 1 + length))) == h.crc; }

// A whole record starts somewhere in `rest`: then what stands before it was not the end of the log.
bool holds_a_record(std::string_view rest) {
  for (std::size_t i = 0; i + header_size < rest.size(); ++i) {
    const auto at = rest.substr(i);
    const auto h = read_header(at);
    if (h.type < full || h.type > last || h.length == 0 || header_size + h.length > at.size()) continue;
    if (checks_out(h, at, h.length)) return true;
  }
  return false;
}

constexpr std::size_t batch_head_size = 12;

std::uint64_t little_endian(std::string_view at, std::size_t bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = bytes; i-- > 0;) out = out << 8 | static_cast<std::uint8_t>(at[i]);
  return out;
}

base::failure log_error(std::string_view what, const rocksdb::Status& status, const std::string& file) {
  return fail(errc::io, fmt::format("can't {} the store's log: {}", what, status.ToString()), file);
}

// A file's bytes for as long as this lives; mapped where the file system can do that.
class log_bytes {
public:
  static result<log_bytes> open(rocksdb::FileSystem& files, const std::string& path) {
    log_bytes out;
    std::uint64_t size = 0;
    if (const auto s = files.GetFileSize(path, {}, &size, nullptr); !s.ok()) return log_error("read", s, path);
    if (size == 0) return out;
    rocksdb::FileOptions how;
    how.use_mmap_reads = true;
    auto s = files.NewRandomAccessFile(path, how, &out.file_, nullptr);
    if (s.IsNotSupported()) {
      how.use_mmap_reads = false;
      s = files.NewRandomAccessFile(path, how, &out.file_, nullptr);
      out.copy_.resize(size);
    }
    if (s.ok()) s = out.file_->Read(0, size, {}, &out.bytes_, out.copy_.data(), nullptr);
    if (!s.ok()) return log_error("read", s, path);
    return out;
  }
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

private:
  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
  std::vector<char> copy_;
  rocksdb::Slice bytes_;
};

// Those of RocksDB's log files, by number.
result<std::map<std::uint64_t, std::string>> logs_in(rocksdb::FileSystem& files, const std::filesystem::path& folder) {
  std::vector<std::string> names;
  if (const auto s = files.GetChildren(folder.string(), {}, &names, nullptr); !s.ok())
    return fail(errc::io, fmt::format("can't read the store's folder: {}", s.ToString()), folder.string());
  std::map<std::uint64_t, std::string> out;
  for (const auto& name : names) {
    constexpr std::string_view extension = ".log";
    if (!name.ends_with(extension)) continue;
    std::uint64_t number = 0;
    const auto* end = name.data() + name.size() - extension.size();
    if (std::from_chars(name.data(), end, number).ptr == end) out.emplace(number, (folder / name).string());
  }
  return out;
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

base::failure damaged(std::string_view name, std::size_t offset, std::string_view what) {
  return fail(errc::damaged,
              fmt::format("the store's log {} is damaged at byte {}: {}. Nothing was changed; restore the store from a backup", name,
                          offset, what));
}

// `at` runs to the end of the last block and its first record does not fit or is cut off: torn, or made to look so.
result<void> check_end(std::string_view at, std::string_view name, std::size_t offset) {
  if (at.size() > header_size) {
    const auto h = read_header(at);
    for (const auto type : {full, first, middle, last}) {
      std::string probe(1, static_cast<char>(type));
      probe += at.substr(header_size);
      if (mask_crc(crc32c(0, probe)) == h.crc) return damaged(name, offset, "the head of its last record does not match its content");
    }
    if (holds_a_record(at.substr(1))) return damaged(name, offset, "a record's head is wrong, and whole records follow");
  }
  return {};
}

}  // namespace

result<void> check_log(std::string_view bytes, std::string_view name) {
  bool inside = false;  // between the first and the last part of a record
  for (std::size_t block = 0; block < bytes.size(); block += block_size) {
    const auto in = bytes.substr(block, block_size);
    const bool is_last = block + block_size >= bytes.size();
    std::size_t i = 0;
    while (i < in.size()) {
      const auto at = in.substr(i);
      if (at.size() < header_size) {
        if (!is_last && !all_zero(at)) return damaged(name, block + i, "the filling at the end of a block is not empty");
        break;
      }
      const auto h = read_header(at);
      if (h.type == zero && h.length == 0 && h.crc == 0) {
        if (!all_zero(bytes.substr(block + i))) return damaged(name, block + i, "an empty stretch is followed by data");
        return {};
      }
      if (header_size + h.length > at.size()) {
        if (!is_last) return damaged(name, block + i, "a record reaches beyond its block");
        return check_end(at, name, block + i);
      }
      if (!checks_out(h, at, h.length) && !DSF_MUTANT("storage.log_checksum_not_verified"))
        return damaged(name, block + i, "a record's checksum does not match");
      const bool begins = h.type == full || h.type == first;
      if (h.type < full || h.type > last || begins == inside) return damaged(name, block + i, "its records do not follow one another");
      inside = h.type == first || h.type == middle;
      i += header_size + h.length;
    }
  }
  return {};
}

result<void> check_logs(rocksdb::FileSystem& files, const std::filesystem::path& folder) {
  const auto logs = TRY(logs_in(files, folder));
  for (const auto& [number, path] : logs) {
    const auto log = TRY(log_bytes::open(files, path));
    TRY(check_log(log.bytes(), std::filesystem::path(path).filename().string()));
  }
  return {};
}

std::size_t end_of_batches(std::string_view bytes, std::uint64_t last_row) {
  std::size_t begin = 0;  // of the record that is being read
  std::string head;
  for (std::size_t block = 0; block < bytes.size(); block += block_size) {
    const auto in = bytes.substr(block, block_size);
    for (std::size_t i = 0; i + header_size <= in.size();) {
      const auto at = in.substr(i);
      const auto h = read_header(at);
      // A torn end, or damage: check_logs() tells them apart.
      if (h.type < full || h.type > record_type::last || header_size + h.length > at.size() || !checks_out(h, at, h.length))
        return bytes.size();
      if (h.type == full || h.type == first) {
        begin = block + i;
        head.clear();
      }
      if (head.size() < batch_head_size) head += at.substr(header_size, std::min(h.length, batch_head_size - head.size()));
      if ((h.type == full || h.type == record_type::last) && head.size() == batch_head_size) {
        const auto number = little_endian(head, 8), rows = little_endian(std::string_view(head).substr(8), 4);
        if (rows > 0 && number + rows - 1 > last_row) return begin;
      }
      i += header_size + h.length;
    }
  }
  return bytes.size();
}

result<void> cut_newest_log(rocksdb::FileSystem& files, const std::filesystem::path& folder, std::uint64_t last_row) {
  const auto logs = TRY(logs_in(files, folder));
  if (logs.empty()) return {};
  const auto& newest = logs.rbegin()->second;
  std::size_t end = 0, size = 0;
  {
    const auto log = TRY(log_bytes::open(files, newest));
    size = log.bytes().size();
    end = end_of_batches(log.bytes(), last_row);
  }
  if (end == size) return {};
  rocksdb::FileOptions how;
  how.use_mmap_writes = false;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  auto s = files.ReopenWritableFile(newest, how, &file, nullptr);
  if (s.ok()) s = file->Truncate(end, {}, nullptr);
  if (s.ok()) s = file->Fsync({}, nullptr);
  if (s.ok()) s = file->Close({}, nullptr);
  if (!s.ok()) return log_error("cut", s, newest);
  return {};
}

}  // namespace dsf::storage
