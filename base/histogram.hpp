// Counts how often values fall into ranges. Many threads count at once, without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace dsf::base {

struct histogram_counts {
  std::vector<std::uint64_t> bounds;  // ascending; a range ends with its bound, the last one has none
  std::vector<std::uint64_t> counts;  // one more than bounds
  std::uint64_t sum = 0;              // of the values
  [[nodiscard]] std::uint64_t total() const noexcept;
};

class histogram {
public:
  explicit histogram(std::span<const std::uint64_t> bounds);

  void observe(std::uint64_t value) noexcept;
  // What other threads count meanwhile may be in one number and not yet in another.
  [[nodiscard]] histogram_counts read() const;

private:
  std::vector<std::uint64_t> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<std::uint64_t> sum_ = 0;
};

}  // namespace dsf::base
