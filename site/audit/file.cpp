#include "site/audit/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "site/audit/errc.hpp"

namespace dsf::site {
namespace {

namespace fs = std::filesystem;

std::unexpected<base::error> failed(audit_errc code, const std::string& what, const std::string& path) {
  return base::fail(code, what + ": " + std::strerror(errno), path);
}

// "20261123T101500.000123Z"
std::optional<base::timestamp> time_in_name(std::string_view t) {
  if (t.size() != 23 || t[8] != 'T' || t[15] != '.') return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t n) { return std::string(t.substr(at, n)); };
  const auto time = base::parse_iso(part(0, 4) + '-' + part(4, 2) + '-' + part(6, 2) + 'T' + part(9, 2) + ':' + part(11, 2) + ':' +
                                    part(13, 2) + part(15, 8));
  return time ? std::optional(*time) : std::nullopt;
}

// Names of the same length: their order is that of their times.
std::vector<std::pair<std::string, base::timestamp>> put_aside_files(const std::string& path) {
  const fs::path p(path);
  const auto begin = p.stem().string() + '.', end = p.extension().string();
  std::vector<std::pair<std::string, base::timestamp>> out;
  std::error_code ignored;
  const auto folder = p.parent_path().empty() ? fs::path(".") : p.parent_path();
  for (const auto& f : fs::directory_iterator(folder, ignored)) {
    const auto name = f.path().filename().string();
    if (name.size() <= begin.size() + end.size() || !name.starts_with(begin) || !name.ends_with(end)) continue;
    if (const auto time = time_in_name(std::string_view(name).substr(begin.size(), name.size() - begin.size() - end.size())))
      out.emplace_back(f.path().string(), *time);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

base::result<> audit_file::open() {
  close();
  fd_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0)
    return failed(audit_errc::cannot_open, "the audit log can't be opened; is its folder there and writable (audit.file)?", path_);
  struct stat found{};
  if (::fstat(fd_, &found) != 0) return failed(audit_errc::cannot_open, "the audit log's size can't be read", path_);
  size_ = static_cast<std::uint64_t>(found.st_size);
  char last = '\n';
  // One that can't be read may be anything.
  if (size_ > 0 && S_ISREG(found.st_mode) && ::pread(fd_, &last, 1, found.st_size - 1) != 1) last = '?';
  if (last == '\n') return {};
  std::string end = "\n";
  return write(end);
}

void audit_file::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

base::result<> audit_file::write(std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const auto why = failed(audit_errc::cannot_write, "the audit log can't be written", path_);
      bytes.erase(0, done);
      return why;
    }
    done += static_cast<std::size_t>(n);
    size_ += static_cast<std::uint64_t>(n);
  }
  bytes.clear();
  return {};
}

base::result<> audit_file::sync() {
  // EINVAL: a pipe or a device, which has nothing to sync.
  if (::fdatasync(fd_) != 0 && errno != EINVAL) return failed(audit_errc::cannot_write, "the audit log can't be synced", path_);
  return {};
}

base::result<> audit_file::put_aside(base::timestamp now) {
  auto name = name_put_aside(path_, now);
  while (fs::exists(name)) name = name_put_aside(path_, {++now.us});
  if (::rename(path_.c_str(), name.c_str()) != 0) return failed(audit_errc::cannot_write, "the audit log can't be renamed", path_);
  close();
  return {};
}

std::string name_put_aside(const std::string& path, base::timestamp now) {
  auto time = base::to_iso(now, 6);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  const fs::path p(path);
  return (p.parent_path() / (p.stem().string() + '.' + time + p.extension().string())).string();
}

base::result<std::uint64_t> remove_put_aside(const std::string& path, base::iso_duration keep, base::timestamp now) {
  std::uint64_t removed = 0;
  for (const auto& [name, time] : put_aside_files(path)) {
    if (base::add(time, keep) > now) continue;
    if (::unlink(name.c_str()) != 0 && errno != ENOENT)
      return failed(audit_errc::cannot_write, "a file of the audit log that has reached audit.keep can't be deleted", name);
    ++removed;
  }
  return removed;
}

std::vector<std::string> audit_files(const std::string& path) {
  std::vector<std::string> out;
  for (auto& [name, time] : put_aside_files(path)) out.push_back(std::move(name));
  std::error_code ignored;
  if (fs::exists(path, ignored)) out.push_back(path);
  return out;
}

}  // namespace dsf::site
