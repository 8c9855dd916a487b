#include "site/callers/rate_limits.hpp"

#include <algorithm>
#include <limits>

#include "base/mutant.hpp"

namespace dsf::site {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;

}  // namespace

// One number holds a bucket: what is missing in it is the time until it is full (the virtual scheduling algorithm of ITU-T I.371, annex A).
int rate_limits::wait_s(std::string_view caller, bool local) {
  const auto& rate = local ? local_ : partners_;
  if (rate.per_second <= 0) return 0;
  if (DSF_MUTANT("callers.one_bucket_for_all")) caller = "all";
  const auto now = clock_->steady_us() * 1'000;
  const auto token = ns_per_s / rate.per_second;
  auto& s = shares_[hash{}(caller) % shares];
  std::int64_t missing = 0;
  {
    const std::lock_guard lock{s.mutex};
    auto& full_at = bucket_in(s, caller, now);
    const auto from = std::max(full_at, now);
    missing = from + token - now - rate.burst * token;
    if (missing <= 0) full_at = from + token;
  }
  if (missing <= 0) return 0;
  refused_.fetch_add(1, std::memory_order_relaxed);
  return static_cast<int>(std::min<std::int64_t>(std::numeric_limits<int>::max(), (missing + ns_per_s - 1) / ns_per_s));
}

std::int64_t& rate_limits::bucket_in(share& s, std::string_view caller, std::int64_t now_ns) {
  if (const auto at = s.full_at.find(caller); at != s.full_at.end()) return at->second;
  if (s.full_at.size() >= buckets_a_share) std::erase_if(s.full_at, [&](const auto& b) { return b.second <= now_ns; });
  if (s.full_at.size() >= buckets_a_share) return s.others_full_at;
  return s.full_at.emplace(caller, 0).first->second;
}

}  // namespace dsf::site
