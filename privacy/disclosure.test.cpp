#include <catch2/catch.hpp>

#include <cmath>
#include <iostream>
#include <limits>

#include "base/entropy.hpp"
#include "privacy/obfuscation.hpp"
#include "privacy/rate_limit.hpp"

using namespace dsf;
using namespace dsf::privacy;

TEST_CASE("obfuscation: the formula at its edges") {
  CHECK(laplace_noise(0) == 0);
  CHECK(laplace_noise(-0.5) == -std::numeric_limits<double>::infinity());
  CHECK(laplace_noise(0.25) == Approx(2 * std::log(2.0)));
  CHECK(laplace_noise(-0.25) == Approx(-2 * std::log(2.0)));
  CHECK(*obfuscate(1'000'000, -0.5) == 0);  // minus infinity, cut at 0
  // Half up to tens.
  for (const auto& [count, expected] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 0}, {4, 0}, {5, 10}, {14, 10}, {15, 20}, {25, 30}, {346, 350}, {344, 340}}) {
    INFO(count);
    CHECK(*obfuscate(count, 0) == expected);
  }
  CHECK(*obfuscate(0, -0.4) == 0);  // never below 0
  CHECK(*obfuscate(0, 0.4999999) % 10 == 0);
  for (const double u : {0.5, -0.500001, std::nan(""), std::numeric_limits<double>::infinity()}) CHECK(!obfuscate(1, u));
  CHECK(!obfuscate(1, 0.1, {.sensitivity = 1, .epsilon = 0}));
  CHECK(!obfuscate(std::numeric_limits<std::uint64_t>::max(), 0.1));
}

// Finds a wrong scale, sign or rounding: the frequency of each answer against the exact probability of Laplace(0, 2) in its interval.
TEST_CASE("obfuscation: answers are distributed as Laplace noise of scale 2, rounded to tens") {
  constexpr std::uint64_t seed = 20260115;
  constexpr int draws = 100'000;
  std::cout << "obfuscation: seed " << seed << ", " << draws << " draws\n";
  const auto cdf = [](double x) { return x < 0 ? 0.5 * std::exp(x / 2) : 1 - 0.5 * std::exp(-x / 2); };
  for (const std::uint64_t count : {500u, 503u, 505u}) {
    base::seeded_entropy dice(seed + count);
    std::map<std::uint64_t, int> seen;
    for (int i = 0; i < draws; ++i) ++seen[*obfuscate(count, dice.unit() - 0.5)];
    double chi = 0, rest_expected = draws, rest_seen = draws;
    int cells = 0;
    for (std::uint64_t answer = 480; answer <= 520; answer += 10) {
      const double expected = draws * (cdf(double(answer) + 5 - double(count)) - cdf(double(answer) - 5 - double(count)));
      if (expected < 20) continue;
      chi += (seen[answer] - expected) * (seen[answer] - expected) / expected;
      rest_expected -= expected;
      rest_seen -= seen[answer];
      ++cells;
    }
    chi += (rest_seen - rest_expected) * (rest_seen - rest_expected) / std::max(rest_expected, 1.0);
    INFO("count " << count << " chi " << chi << " cells " << cells);
    CHECK(chi < 25);  // five degrees of freedom at most: p below 0.0002
    for (const auto& [answer, n] : seen) CHECK(answer % 10 == 0);
  }
}

// Finds answers that change when the same count is asked again, or after a restart: averaging would reveal the truth.
TEST_CASE("answer cache: the same count keeps its answer") {
  answer_cache cache;
  base::seeded_entropy dice(1);
  std::map<std::uint64_t, std::uint64_t> given;
  for (std::uint64_t n = 0; n < 500; ++n) given[n * 7] = *cache.answer(n * 7, dice.unit() - 0.5);
  auto restored = answer_cache::deserialize(cache.serialize());
  REQUIRE(restored);
  CHECK(restored->serialize() == cache.serialize());
  for (const auto& [count, answer] : given) {
    CHECK(*cache.answer(count, dice.unit() - 0.5) == answer);
    CHECK(*restored->answer(count, dice.unit() - 0.5) == answer);
  }
  for (std::uint64_t n = 0; n < 2 * answer_cache::max_answers; ++n) REQUIRE(cache.answer(1'000'000 + n, 0.1));
  CHECK(cache.size() == answer_cache::max_answers);
  CHECK(!cache.find(7));  // the first are forgotten first
  CHECK(cache.find(1'000'000 + 2 * answer_cache::max_answers - 1));
  const auto bytes = cache.serialize();
  CHECK(answer_cache::deserialize(bytes));
  CHECK(!answer_cache::deserialize(bytes.substr(0, bytes.size() - 1)));
  CHECK(!answer_cache::deserialize(bytes + "x"));
  CHECK(!answer_cache::deserialize(""));
  CHECK(!answer_cache::deserialize("\x02"));
}

// Finds the reference's latch: once refused, refused for ever.
TEST_CASE("rate limit: a refusal ends with its interval") {
  const rate_limit hour;
  rate_bucket b;
  const base::timestamp start{1'800'000'000LL * base::us_per_s};
  const auto after = [&](std::int64_t s) { return base::timestamp{start.us + s * base::us_per_s}; };
  for (int i = 0; i < 999; ++i) REQUIRE(b.take(hour, after(i)));
  CHECK(!b.take(hour, after(1'000)));
  CHECK(!b.take(hour, after(3'599)));
  CHECK(b.next(hour, after(3'599)) == after(3'600));
  CHECK(b.next(hour, after(3'600)) == after(3'600));
  auto stored = rate_bucket::deserialize(b.serialize());
  REQUIRE(stored);
  CHECK(*stored == b);
  CHECK(!stored->take(hour, after(3'599)));
  for (int i = 0; i < 999; ++i) REQUIRE(stored->take(hour, after(3'600)));
  CHECK(!stored->take(hour, after(7'199)));
  // Intervals keep their rhythm over silence, and unused requests are not saved up.
  CHECK(stored->take(hour, after(36'000 + 1'800)));
  CHECK(stored->start == after(36'000));
  CHECK(stored->used == 1);
}

TEST_CASE("rate limit: a clock set back does not block for longer than an interval") {
  const rate_limit two{2, 60 * base::us_per_s};
  rate_bucket b;
  const std::int64_t s = base::us_per_s;
  CHECK(b.take(two, {1'000'000 * s}));
  CHECK(b.take(two, {1'000'000 * s}));
  CHECK(!b.take(two, {500'000 * s}));
  CHECK(b.take(two, {500'060 * s}));
  CHECK(!rate_bucket{}.take({0, 60 * s}, {1'000 * s}));
  CHECK(!rate_bucket::deserialize("\x01short"));
  CHECK(!rate_bucket::deserialize(""));
}
