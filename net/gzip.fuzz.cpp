// Any bytes as a packed body, and as an Accept-Encoding field: never more than the limit, and what was packed here comes back. The first byte chooses.
#include <cstdint>
#include <cstdlib>

#include "net/gzip.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsf::net;
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::uint64_t limit = 100'000;
  if (data[0] % 3 == 0) {
    (void)accepts_gzip(bytes);
  } else if (data[0] % 3 == 1) {
    const auto plain = gunzip(bytes, limit);
    if (plain && plain->size() > limit) std::abort();
  } else {
    const auto back = gunzip(gzip(bytes), bytes.size());
    if (!back || *back != bytes) std::abort();
  }
  return 0;
}
