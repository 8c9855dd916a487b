// Random numbers come in through this seam (docs/design.md, decision 19).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace dsf::base {

class entropy {
public:
  virtual ~entropy() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t u64();
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1) with 53 bits.
  double unit();
};

// The kernel's generator; thread-safe.
entropy& system_entropy();

// Deterministic (splitmix64); for tests, the simulation and the patient generator. Not for keys.
class seeded_entropy final : public entropy {
public:
  explicit seeded_entropy(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

private:
  std::uint64_t next();
  std::uint64_t state_;
};

}  // namespace dsf::base
