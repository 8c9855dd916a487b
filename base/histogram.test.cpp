#include "base/histogram.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using dsf::base::histogram;

// A bound belongs to the range that it ends: Prometheus' "le".
TEST_CASE("a histogram counts a value in the range that its bound ends", "[histogram]") {
  const std::array<std::uint64_t, 3> bounds{10, 100, 1'000};
  histogram h(bounds);
  for (const auto v : {0, 10, 11, 100, 101, 1'000, 1'001, 50'000}) h.observe(static_cast<std::uint64_t>(v));
  const auto counts = h.read();
  CHECK(counts.counts == std::vector<std::uint64_t>{2, 2, 2, 2});
  CHECK(counts.sum == 52'223);
  CHECK(counts.total() == 8);
}

TEST_CASE("a histogram loses nothing that several threads count", "[histogram]") {
  const std::array<std::uint64_t, 1> bounds{1};
  histogram h(bounds);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < 10'000; ++i) h.observe(i % 4);
    });
  for (auto& t : threads) t.join();
  CHECK(h.read().counts == std::vector<std::uint64_t>{20'000, 20'000});
  CHECK(h.read().sum == 60'000);
}
