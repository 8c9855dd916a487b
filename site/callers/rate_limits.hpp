// How many requests a caller may send: a token bucket for each (docs/decisions/rate-limits.md).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"

namespace dsf::site {

struct request_rate {
  std::int64_t per_second = 0;  // 0: no limit
  std::int64_t burst = 1;
};

// Thread-safe; callers meet only in their share of the buckets.
class rate_limits {
public:
  rate_limits(request_rate partners, request_rate local, const base::clock& time = base::system_clock_source())
      : partners_(partners), local_(local), clock_(&time) {}

  // Takes a token and returns 0, or takes none and returns after how many seconds there is one.
  int wait_s(std::string_view caller, bool local);
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

  static constexpr std::size_t shares = 64, buckets_a_share = 1'000;

private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  struct share {
    std::mutex mutex;
    // When the bucket will be full again (steady, ns); one that is full need not be known.
    std::unordered_map<std::string, std::int64_t, hash, std::equal_to<>> full_at;
    std::int64_t others_full_at = 0;  // of all callers that found no room here
  };
  static std::int64_t& bucket_in(share& s, std::string_view caller, std::int64_t now_ns);

  request_rate partners_, local_;
  const base::clock* clock_;
  std::array<share, shares> shares_;
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace dsf::site
