#include "storage/wal_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

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
      if (!checks_out(h, at, h.length)) return damaged(name, block + i, "a record's checksum does not match");
      const bool begins = h.type == full || h.type == first;
      if (h.type < full || h.type > last || begins == inside) return damaged(name, block + i, "its records do not follow one another");
      inside = h.type == first || h.type == middle;
      i += header_size + h.length;
    }
  }
  return {};
}

result<void> check_logs(const std::filesystem::path& folder) {
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
    if (entry.path().extension() != ".log") continue;
    const std::string name = entry.path().filename().string();
    const auto cannot = [&] {
      return fail(errc::io, fmt::format("can't read the store's log: {}", std::strerror(errno)), entry.path().string());
    };
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return cannot();
    struct stat info{};
    if (::fstat(file, &info) != 0) {
      const auto answer = cannot();
      ::close(file);
      return answer;
    }
    if (info.st_size == 0) {
      ::close(file);
      continue;
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    ::close(file);
    if (mapped == MAP_FAILED) return cannot();
    auto found = check_log({static_cast<const char*>(mapped), size}, name);
    ::munmap(mapped, size);
    if (!found) return found;
  }
  if (ec) return fail(errc::io, fmt::format("can't read the store's folder: {}", ec.message()), folder.string());
  return {};
}

}  // namespace dsf::storage
