#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "base/bytes.hpp"
#include "storage/backup/blob_copy_impl.hpp"
#include "storage/blobs/blob_store.hpp"
#include "storage/checksum.hpp"
#include "storage/durable_folder.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;

struct descriptor {
  int fd = -1;
  descriptor(const fs::path& path, int flags) : fd(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
};

base::failure broken(std::string_view what, const fs::path& place) {
  return fail(errc::io, fmt::format("can't {}: {}", what, std::strerror(errno)), place.string());
}

result<void> write_all(int fd, std::string_view bytes, const fs::path& place) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return broken("write", place);
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// Adds the file to the tally; nothing of one that was swept meanwhile.
result<bool> copy_one(const fs::path& from, const fs::path& to, const std::string& name, row_tally& tally) {
  const descriptor in(from, O_RDONLY);
  if (in.fd < 0 && errno == ENOENT) return false;
  if (in.fd < 0) return broken("read", from);
  std::optional<descriptor> out;
  if (!to.empty()) {
    out.emplace(to, O_WRONLY | O_CREAT | O_EXCL);
    if (out->fd < 0) return broken("make", to);
  }
  std::array<char, 256 << 10> buffer;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  for (;;) {
    const auto n = ::read(in.fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return broken("read", from);
    if (n == 0) break;
    const std::string_view part(buffer.data(), static_cast<std::size_t>(n));
    crc = crc32c(crc, part);
    bytes += part.size();
    if (out) TRY(write_all(out->fd, part, to));
  }
  if (out && ::fsync(out->fd) != 0) return broken("sync", to);
  std::string about;
  base::put_u64(about, bytes);
  base::put_u32(about, crc);
  tally.add(name, about);
  return true;
}

}  // namespace

result<row_tally> copy_blobs(const fs::path& from, const fs::path& to) {
  // Only looked at: nothing that is under way there is touched.
  const auto store = TRY(blob_store::open(from, true, base::system_entropy()));
  auto files = TRY(store->files());
  std::ranges::sort(files, {}, &blob_store::kept_file::path);
  row_tally tally;
  std::set<fs::path> made;
  for (const auto& f : files) {
    const auto target = to.empty() ? fs::path{} : to / f.path;
    if (!to.empty() && made.insert(target.parent_path()).second) TRY(make_durable_folder(target.parent_path()));
    TRY(copy_one(from / f.path, target, f.path.generic_string(), tally));
  }
  // The names too.
  for (const auto& folder : made) {
    const descriptor d(folder, O_RDONLY | O_DIRECTORY);
    if (d.fd < 0 || ::fsync(d.fd) != 0) return broken("sync the folder", folder);
  }
  return tally;
}

}  // namespace dsf::storage
