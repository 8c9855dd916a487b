#include "base/entropy.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dsf::base {
namespace {

class kernel_entropy final : public entropy {
public:
  void fill(std::span<std::uint8_t> out) override {
    while (!out.empty()) {
      const auto n = ::getrandom(out.data(), out.size(), 0);
      if (n < 0) {
        if (errno == EINTR) continue;
        std::abort();  // no randomness: no identifiers can be made safely
      }
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }
};

}  // namespace

entropy& system_entropy() {
  static kernel_entropy instance;
  return instance;
}

std::uint64_t entropy::u64() {
  std::uint8_t bytes[8];
  fill(bytes);
  std::uint64_t v = 0;
  std::memcpy(&v, bytes, sizeof v);
  return v;
}

std::uint64_t entropy::below(std::uint64_t bound) {
  const std::uint64_t reject_from = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    const auto v = u64();
    if (v < reject_from) return v % bound;
  }
}

double entropy::unit() { return static_cast<double>(u64() >> 11) * 0x1.0p-53; }

std::uint64_t seeded_entropy::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void seeded_entropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto v = next();
    const auto n = out.size() < 8 ? out.size() : 8;
    std::memcpy(out.data(), &v, n);
    out = out.subspan(n);
  }
}

}  // namespace dsf::base
