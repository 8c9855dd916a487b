#include "base/histogram.hpp"

#include <algorithm>
#include <numeric>

namespace dsf::base {

std::uint64_t histogram_counts::total() const noexcept { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

histogram::histogram(std::span<const std::uint64_t> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {}

void histogram::observe(std::uint64_t value) noexcept {
  const auto range = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(range)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

histogram_counts histogram::read() const {
  histogram_counts out;
  out.bounds = bounds_;
  out.counts.reserve(bounds_.size() + 1);
  for (std::size_t i = 0; i <= bounds_.size(); ++i) out.counts.push_back(counts_[i].load(std::memory_order_relaxed));
  out.sum = sum_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace dsf::base
