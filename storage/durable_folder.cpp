#include "storage/durable_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/mutant.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;

base::failure io_error(std::string_view what, const fs::path& place) {
  return fail(errc::io, fmt::format("can't {}: {}", what, std::strerror(errno)), place.string());
}

result<void> sync_folder(const fs::path& folder, bool ours) {
  const int open = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (open < 0) {
    // Who may not read the folder above did not make the one below: it was put there for us.
    if (!ours && errno == EACCES) return {};
    return io_error("open the folder to sync it", folder);
  }
  const bool ok = DSF_MUTANT("storage.folder_not_synced") || ::fsync(open) == 0;
  const int why = errno;
  ::close(open);
  errno = why;
  if (!ok) return io_error("sync the folder", folder);
  return {};
}

}  // namespace

result<void> make_durable_folder(const fs::path& folder) {
  std::error_code ec;
  auto leaf = fs::absolute(folder, ec).lexically_normal();
  if (ec) return fail(errc::io, fmt::format("can't be named in full: {}", ec.message()), folder.string());
  if (!leaf.has_filename()) leaf = leaf.parent_path();
  std::vector<fs::path> missing;
  for (auto at = leaf; !fs::exists(at, ec) && at != at.parent_path(); at = at.parent_path()) missing.push_back(at);
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (::mkdir(at->c_str(), 0777) != 0 && errno != EEXIST) return io_error("make the folder", *at);
    TRY(sync_folder(at->parent_path(), true));
  }
  if (missing.empty()) TRY(sync_folder(leaf.parent_path(), false));
  return {};
}

}  // namespace dsf::storage
