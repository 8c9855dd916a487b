#include "bench/machine.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace dsf::bench {
namespace {

using base::fail;
using base::result;

// "/dev/vda1 (ext4)" from the line of mountinfo with the folder's device.
std::string device_of(const std::filesystem::path& folder) {
  struct stat s{};
  if (::stat(folder.c_str(), &s) != 0) return "unknown";
  const auto wanted = fmt::format("{}:{}", major(s.st_dev), minor(s.st_dev));
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string id, parent, device, word, type, source;
    words >> id >> parent >> device;
    if (device != wanted) continue;
    while (words >> word && word != "-") {}
    words >> type >> source;
    return fmt::format("{} ({})", source, type);
  }
  return "device " + wanted;
}

// The text after the colon of the first line that begins so.
std::string line_of(const char* file, std::string_view begin) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(begin)) {
      const auto at = line.find_first_not_of(" \t", line.find(':') + 1);
      return at == std::string::npos ? std::string{} : line.substr(at);
    }
  return {};
}

std::int64_t status_kib(pid_t pid, std::string_view line_name) {
  std::ifstream in(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(line_name)) return std::atoll(line.c_str() + line_name.size());
  return 0;
}

}  // namespace

result<machine> look_at_machine(const std::filesystem::path& folder) {
  machine m;
  m.cores = std::max(1u, std::thread::hardware_concurrency());
  m.device = device_of(folder);
  m.cpu = line_of("/proc/cpuinfo", "model name");
  m.memory_mb = static_cast<std::uint64_t>(std::atoll(line_of("/proc/meminfo", "MemTotal").c_str())) / 1024;
  utsname system{};
  if (::uname(&system) == 0) m.kernel = std::string(system.sysname) + " " + system.release;
  const auto file = folder / "sync-probe";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail(base::errc::io, std::string("the folder can't be written: ") + std::strerror(errno), file.string());
  const std::string block(4096, 'x');
  auto& clock = base::system_clock_source();
  std::vector<std::int64_t> took;
  const auto end = clock.steady_us() + 500'000;
  bool good = true;
  while (good && took.size() < 2'000 && (took.size() < 20 || clock.steady_us() < end)) {
    const auto from = clock.steady_us();
    good = ::write(fd, block.data(), block.size()) == static_cast<ssize_t>(block.size()) && ::fdatasync(fd) == 0;
    took.push_back(clock.steady_us() - from);
  }
  const std::string why = std::strerror(errno);
  ::close(fd);
  ::unlink(file.c_str());
  if (!good) return fail(base::errc::io, "an append could not be synced: " + why, file.string());
  m.sync_p50_us = percentile(took, 0.5);
  m.sync_p99_us = percentile(took, 0.99);
  return m;
}

std::int64_t cpu_us_of(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(in, text);
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream words(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) words >> skipped;  // from state (3) to cmajflt (13)
  std::int64_t user = 0, kernel = 0;
  words >> user >> kernel;
  return (user + kernel) * base::us_per_s / ::sysconf(_SC_CLK_TCK);
}

std::int64_t own_cpu_us() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * base::us_per_s + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

std::int64_t peak_kib_of(pid_t pid) { return status_kib(pid, "VmHWM:"); }
std::int64_t resident_kib_of(pid_t pid) { return status_kib(pid, "VmRSS:"); }

result<scratch_folder> scratch_folder::make(const std::filesystem::path& parent) {
  std::error_code ec;
  std::filesystem::create_directories(parent, ec);
  auto name = (parent / "dsf-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    return fail(base::errc::io, std::string("no folder can be made here: ") + std::strerror(errno), parent.string());
  return scratch_folder(std::filesystem::absolute(name));
}

scratch_folder::~scratch_folder() {
  if (path_.empty()) return;
  std::error_code ec;
  std::filesystem::remove_all(path_, ec);
}

}  // namespace dsf::bench
