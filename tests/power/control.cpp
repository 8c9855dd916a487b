#include "tests/power/control.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <string>

#include "base/entropy.hpp"

namespace dsf::tests {
namespace {

constexpr std::size_t page_bytes = 4096;
static_assert(sizeof(control_page) <= page_bytes);
static_assert(std::atomic<stop_point>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

// A slow disk: most syncs take some milliseconds, a few as long as a disk that moves bad blocks.
constexpr std::uint64_t slow_sync_us = 30'000, stall_us = 500'000, one_stall_in = 40;
// A disk with faults: one request in so many.
constexpr std::uint64_t one_fault_in = 3, one_read_fault_in = 20;

class page_events final : public disk_events {
public:
  explicit page_events(std::shared_ptr<control_page> page) : page_(std::move(page)), dice_(page_->seed.fetch_add(1)) {}

  disk_answer before_append(std::string_view file, std::string_view bytes) override {
    if (const auto point = page_->armed.load(); point != stop_point::none && file.ends_with(".log")) {
      const std::string_view needle(page_->needle);
      if (!needle.empty() && bytes.find(needle) != std::string_view::npos) {
        if (point == stop_point::received) return end(point);
        const std::lock_guard lock(mutex_);
        log_with_needle_ = file;
        needle_ = needle;
      }
    }
    if (page_->weather == disk_weather::full) return fault(disk_answer::full);
    if (page_->weather == disk_weather::errors && below(one_fault_in) == 0) return fault(disk_answer::error);
    return {};
  }
  disk_answer before_sync(std::string_view file) override {
    page_->syncs.fetch_add(1, std::memory_order_relaxed);
    if (page_->armed == stop_point::before_commit && holds_needle(file)) return end(stop_point::before_commit);
    switch (page_->weather.load()) {
      case disk_weather::slow: ::usleep(static_cast<useconds_t>(below(one_stall_in) == 0 ? stall_us : below(slow_sync_us))); break;
      case disk_weather::errors:
        if (below(one_fault_in) == 0) return fault(disk_answer::error);
        break;
      default: break;
    }
    return {};
  }
  void after_sync(std::string_view file) override {
    if (page_->armed == stop_point::committed && holds_needle(file)) {
      page_->fired = stop_point::committed;
      ::kill(::getpid(), SIGKILL);
    }
  }
  disk_answer before_name(std::string_view) override {
    if (page_->weather == disk_weather::full) return fault(disk_answer::full);
    if (page_->weather == disk_weather::errors && below(one_fault_in) == 0) return fault(disk_answer::error);
    return {};
  }
  disk_answer before_read(std::string_view) override {
    if (page_->weather == disk_weather::slow && below(4) == 0) ::usleep(static_cast<useconds_t>(below(slow_sync_us) / 4));
    if (page_->weather == disk_weather::errors && below(one_read_fault_in) == 0) return fault(disk_answer::error);
    return {};
  }

private:
  std::uint64_t below(std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    return dice_.below(n);
  }
  // A part of what was written last may reach a disk that loses its power, or that fails.
  double some() {
    const std::lock_guard lock(mutex_);
    return dice_.below(2) == 0 ? 0 : dice_.unit();
  }
  bool holds_needle(std::string_view file) {
    const std::lock_guard lock(mutex_);
    return !needle_.empty() && log_with_needle_ == file && needle_ == page_->needle;
  }
  disk_answer end(stop_point point) {
    page_->fired = point;
    return {disk_answer::cut, point == stop_point::before_commit ? some() : 0};
  }
  disk_answer fault(decltype(disk_answer::is) is) {
    page_->faults.fetch_add(1, std::memory_order_relaxed);
    return {is, some()};
  }

  std::shared_ptr<control_page> page_;
  std::mutex mutex_;
  base::seeded_entropy dice_;
  std::string log_with_needle_, needle_;  // what was written and not synced yet, or just now
};

}  // namespace

base::result<std::shared_ptr<control_page>> open_control(const std::filesystem::path& file) {
  const auto failed = [&](std::string_view what) {
    return base::fail(base::errc::io, fmt::format("can't {}: {}", what, std::strerror(errno)), file.string());
  };
  const int f = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (f < 0) return failed("open the control page");
  void* at = ::ftruncate(f, page_bytes) == 0 ? ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0) : MAP_FAILED;
  const int why = errno;
  ::close(f);
  errno = why;
  if (at == MAP_FAILED) return failed("map the control page");
  // A new file is zeros, which is how all fields begin.
  return std::shared_ptr<control_page>(static_cast<control_page*>(at), [](control_page* p) { ::munmap(p, page_bytes); });
}

void arm(control_page& page, stop_point at, std::string_view needle) {
  page.armed = stop_point::none;
  page.fired = stop_point::none;
  const auto n = std::min(needle.size(), control_page::needle_size - 1);
  std::memcpy(page.needle, needle.data(), n);
  page.needle[n] = '\0';
  page.armed = at;
}

std::shared_ptr<disk_events> events_of(std::shared_ptr<control_page> page) { return std::make_shared<page_events>(std::move(page)); }

}  // namespace dsf::tests
