// Token buckets. Faults these find: a partner that pays for another, a bucket that never fills or fills beyond its burst, a limit that many names get
// around, a Retry-After after which it is refused again.
#include "site/callers/rate_limits.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using namespace dsf;
using namespace dsf::site;

namespace {

int taken(rate_limits& l, std::string_view who, int of, bool local = false) {
  int n = 0;
  for (int i = 0; i < of; ++i) n += l.wait_s(who, local) == 0;
  return n;
}

}  // namespace

TEST_CASE("rate limits: a burst, then so many a second, each caller for itself") {
  base::manual_clock clock;
  rate_limits l({.per_second = 10, .burst = 30}, {.per_second = 0, .burst = 1}, clock);
  CHECK(taken(l, "site-b.example", 100) == 30);
  CHECK(taken(l, "site-c.example", 100) == 30);
  CHECK(taken(l, "site-a.example", 1'000, true) == 1'000);
  CHECK(l.refused() == 140);
  clock.advance_us(500'000);
  CHECK(taken(l, "site-b.example", 100) == 5);
  // However long it was quiet, no more than the burst.
  clock.advance_us(3'600 * base::us_per_s);
  CHECK(taken(l, "site-b.example", 100) == 30);
}

TEST_CASE("rate limits: who waits as long as it was told is served") {
  for (const std::int64_t per_second : {1, 3, 7, 1'000, 1'000'000}) {
    base::manual_clock clock;
    rate_limits l({.per_second = per_second, .burst = 5}, {}, clock);
    CHECK(taken(l, "a", 5) == 5);
    const auto wait = l.wait_s("a", false);
    INFO(per_second << " a second, wait " << wait);
    CHECK(wait == 1);
    clock.advance_us(wait * base::us_per_s);
    CHECK(l.wait_s("a", false) == 0);
  }
}

TEST_CASE("rate limits: memory is bounded, and more names than it holds are limited together") {
  base::manual_clock clock;
  rate_limits l({.per_second = 1, .burst = 2}, {}, clock);
  int served = 0;
  const int names = static_cast<int>(rate_limits::shares * rate_limits::buckets_a_share) * 2;
  for (int i = 0; i < names; ++i) served += l.wait_s("caller-" + std::to_string(i), false) == 0;
  CHECK(served >= names / 2);
  CHECK(served < names * 6 / 10);
  // Full buckets make room.
  clock.advance_us(10 * base::us_per_s);
  CHECK(taken(l, "somebody else", 5) == 2);
}

TEST_CASE("rate limits: threads take no token twice") {
  base::manual_clock clock;
  rate_limits l({.per_second = 1, .burst = 1'000}, {}, clock);
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back([&] { served += taken(l, "a", 1'000); });
  for (auto& t : threads) t.join();
  CHECK(served == 1'000);
  CHECK(l.refused() == 3'000);
}
