#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/mutant.hpp"
#include "storage/durable_folder.hpp"
#include "storage/small_file.hpp"
#include "storage/store.hpp"
#include "storage/store_folder_impl.hpp"

namespace dsf::storage {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view marker_name = "STORE";
constexpr std::string_view marker_title = "dsfd store";

base::failure io_error(std::string_view what, const fs::path& place) {
  return fail(errc::io, fmt::format("can't {}: {}", what, std::strerror(errno)), place.string());
}

struct marker {
  std::uint64_t format = 0;
  std::string release;
  bool ready = false;
};

result<marker> parse_marker(std::string_view text, const fs::path& place) {
  if (!text.starts_with(marker_title))
    return fail(errc::not_a_store, "this folder is not a dsfd store: its file STORE is something else", place.string());
  marker m;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.starts_with("format ")) {
      const auto number = line.substr(7);
      if (std::from_chars(number.data(), number.data() + number.size(), m.format).ptr != number.data() + number.size()) m.format = 0;
    }
    if (line.starts_with("release ")) m.release = line.substr(8);
    if (line == "state ready") m.ready = true;
  }
  if (m.format == 0)
    return fail(errc::damaged, "the store's file STORE names no format. Nothing was changed; restore the store from a backup",
                place.string());
  return m;
}

}  // namespace

base::failure newer_format(const std::string& place, const std::string& release, std::uint64_t format) {
  return fail(
      errc::newer_format,
      fmt::format("this store was written by release {}, format {}; this program knows formats up to {}. Install release {} or newer",
                  release, format, format_version, release),
      place);
}

store_folder::~store_folder() {
  if (lock_file_ >= 0) ::close(lock_file_);
}

result<void> store_folder::lock(bool read_only) {
  const fs::path file = path_ / "lock";
  lock_file_ = ::open(file.c_str(), read_only ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock_file_ < 0) {
    if (read_only && errno == ENOENT) return {};
    return io_error("open the store's lock", file);
  }
  if (::flock(lock_file_, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("lock the store", file);
    auto holder = read_small(file);
    std::string pid = holder && *holder ? **holder : std::string();
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return fail(errc::locked,
                pid.empty()
                    ? std::string("this store is used by another program; stop that first")
                    : fmt::format("this store is used by a running dsfd (pid {}); stop that first, or ask it over its admin socket", pid),
                path_.string());
  }
  if (read_only) return {};
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock_file_, 0) != 0 || ::pwrite(lock_file_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return io_error("write", file);
  return {};
}

result<void> write_store_marker(const fs::path& folder, const std::string& release, bool ready) {
  return write_small(folder / marker_name, fmt::format("{}\nformat {}\nrelease {}\nstate {}\n", marker_title, format_version, release,
                                                       ready ? "ready" : "being made"));
}

result<void> store_folder::finish(const std::string& release) {
  TRY(write_store_marker(path_, release, true));
  is_new_ = false;
  return {};
}

result<std::unique_ptr<store_folder>> store_folder::open(const fs::path& path, bool create, bool read_only, const std::string& release) {
  std::error_code ec;
  create = create && !read_only;
  if (!fs::exists(path, ec)) {
    if (!create) return fail(errc::not_a_store, "there is no such folder", path.string());
    TRY(make_durable_folder(path));
  } else if (!fs::is_directory(path, ec)) {
    return fail(errc::not_a_store, "this is a file; a store is a folder", path.string());
  }
  auto found = TRY(read_small(path / marker_name));
  if (!found) {
    for (const auto& entry : fs::directory_iterator(path, ec))
      if (const auto name = entry.path().filename(); name != "lock" && name != "blobs" && name != "STORE.new")
        return fail(errc::not_a_store, fmt::format("this folder is not a dsfd store: it holds {} but no file STORE", name.string()),
                    path.string());
    if (ec) return fail(errc::io, fmt::format("can't read the store's folder: {}", ec.message()), path.string());
    if (!create) return fail(errc::not_a_store, "there is no store in this folder", path.string());
  } else {
    const auto m = TRY(parse_marker(*found, path));
    if (m.format > format_version && !DSF_MUTANT("storage.newer_format_accepted")) return newer_format(path.string(), m.release, m.format);
  }
  std::unique_ptr<store_folder> out(new store_folder(path));
  TRY(out->lock(read_only));
  // Between the look above and the lock another program may have made the store.
  found = TRY(read_small(path / marker_name));
  out->is_new_ = !found || !TRY(parse_marker(*found, path)).ready;
  if (out->is_new_ && !create)
    return fail(errc::not_a_store, "the making of this store was interrupted; start dsfd once to finish it, or remove the folder",
                path.string());
  if (out->is_new_) {
    TRY(make_durable_folder(path));
    TRY(write_store_marker(path, release, false));
  } else if (!fs::exists(out->rows() / "CURRENT", ec)) {
    return fail(errc::damaged, "the store's rows are missing. Nothing was changed; restore the store from a backup", path.string());
  }
  return out;
}

}  // namespace dsf::storage
