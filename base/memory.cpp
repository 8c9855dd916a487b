#include "base/memory.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

// Present in programs that are linked with jemalloc (cmake/dsf.cmake); a sanitizer brings its own allocator.
extern "C" int mallctl(const char* name, void* old, std::size_t* old_length, void* given, std::size_t given_length) __attribute__((weak));

// jemalloc reads this before main(): few arenas, so that dozens of mostly waiting threads do not each keep freed memory. Freed pages go back to the
// system by and by, at the latest with release_free_memory(): a thread of its own for that costs a tenth of the throughput.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:4,dirty_decay_ms:2000,muzzy_decay_ms:0";
}

namespace dsf::base {
namespace {

constexpr auto purge_all = "arena.4096.purge";  // 4096: MALLCTL_ARENAS_ALL

}  // namespace

void release_free_memory() {
  if (mallctl) {
    mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    mallctl(purge_all, nullptr, nullptr, nullptr, 0);
  } else {
    ::malloc_trim(0);
  }
}

std::uint64_t resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace dsf::base
