#include "storage/small_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t small_file_bytes = 4096;

base::failure io_error(std::string_view what, const fs::path& place) {
  return fail(errc::io, fmt::format("can't {}: {}", what, std::strerror(errno)), place.string());
}

}  // namespace

result<std::optional<std::string>> read_small(const fs::path& file) {
  const int f = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (f < 0) {
    if (errno == ENOENT) return std::nullopt;
    return io_error("read", file);
  }
  std::string text(small_file_bytes, '\0');
  const auto n = ::read(f, text.data(), text.size());
  const int why = errno;
  ::close(f);
  if (n < 0) {
    errno = why;
    return io_error("read", file);
  }
  text.resize(static_cast<std::size_t>(n));
  return text;
}

result<void> write_small(const fs::path& file, std::string_view text, unsigned mode) {
  const fs::path next = file.string() + ".new";
  const int f = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (f < 0) return io_error("write", next);
  const bool ok = ::write(f, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(f) == 0;
  const int why = errno;
  ::close(f);
  errno = why;
  if (!ok) return io_error("write", next);
  if (::rename(next.c_str(), file.c_str()) != 0) return io_error("write", file);
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || ::fsync(folder) != 0) return io_error("sync the folder of", file);
  ::close(folder);
  return {};
}

}  // namespace dsf::storage
