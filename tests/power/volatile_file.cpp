#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/power/volatile_file_impl.hpp"

namespace dsf::tests {

using rocksdb::IOStatus;

IOStatus errno_status(const std::string& what, const std::string& file) {
  if (errno == ENOENT) return IOStatus::PathNotFound(what + " " + file, std::strerror(errno));
  if (errno == ENOSPC) return IOStatus::NoSpace(what + " " + file, std::strerror(errno));
  return IOStatus::IOError(what + " " + file, std::strerror(errno));
}

IOStatus volatile_file::open(const std::string& on_disk, bool make, std::shared_ptr<volatile_file>& out) {
  const int file = ::open(on_disk.c_str(), O_RDWR | O_CLOEXEC | (make ? O_CREAT | O_EXCL : 0), 0644);
  if (file < 0) return errno_status("open", on_disk);
  struct stat info{};
  if (::fstat(file, &info) != 0) {
    ::close(file);
    return errno_status("look at", on_disk);
  }
  out.reset(new volatile_file(file, static_cast<std::uint64_t>(info.st_size)));
  return IOStatus::OK();
}

volatile_file::~volatile_file() { ::close(file_); }

void volatile_file::append(const char* bytes, std::size_t n) {
  const std::lock_guard lock(mutex_);
  tail_.append(bytes, n);
}

// The bytes have to outlive this process, not the machine: no sync of the disk is needed, or wanted.
IOStatus volatile_file::sync(double part) {
  const std::lock_guard lock(mutex_);
  const auto take = std::min(tail_.size(), static_cast<std::size_t>(static_cast<double>(tail_.size()) * part));
  if (kept_ < on_disk_) {
    if (::ftruncate(file_, static_cast<off_t>(kept_)) != 0) return errno_status("truncate", "a file");
    on_disk_ = kept_;
  }
  for (std::size_t done = 0; done < take;) {
    const auto n = ::pwrite(file_, tail_.data() + done, take - done, static_cast<off_t>(kept_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_status("write", "a file");
    done += static_cast<std::size_t>(n);
  }
  // A part may be on the disk and still not be counted on.
  on_disk_ = kept_ + take;
  if (take == tail_.size()) {
    kept_ = on_disk_;
    tail_.clear();
  }
  return IOStatus::OK();
}

IOStatus volatile_file::truncate(std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (size > kept_ + tail_.size()) return IOStatus::NotSupported("a file can't be made longer by truncation");
  if (size >= kept_) {
    tail_.resize(size - kept_);
  } else {
    kept_ = size;
    tail_.clear();
  }
  return IOStatus::OK();
}

IOStatus volatile_file::read(std::uint64_t offset, std::size_t n, char* into, std::size_t& done) const {
  const std::lock_guard lock(mutex_);
  done = 0;
  while (done < n && offset + done < kept_) {
    const auto want = std::min<std::uint64_t>(n - done, kept_ - offset - done);
    const auto got = ::pread(file_, into + done, want, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status("read", "a file");
    if (got == 0) return IOStatus::Corruption("a file became shorter than it was");
    done += static_cast<std::size_t>(got);
  }
  if (done < n && offset + done < kept_ + tail_.size()) {
    const auto from = offset + done - kept_;
    const auto take = std::min<std::uint64_t>(n - done, tail_.size() - from);
    std::memcpy(into + done, tail_.data() + from, take);
    done += take;
  }
  return IOStatus::OK();
}

std::uint64_t volatile_file::size() const {
  const std::lock_guard lock(mutex_);
  return kept_ + tail_.size();
}

}  // namespace dsf::tests
