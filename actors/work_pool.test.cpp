#include <catch2/catch.hpp>

#include "actors/work_pool.hpp"

using namespace dsf;
using namespace dsf::actors;

TEST_CASE("deadlines of handlers: told once, not after the end, and the next one is named") {
  handler_deadlines deadlines;
  int first = 0, second = 0, third = 0;
  CHECK_FALSE(deadlines.check({0}));
  deadlines.begin({100}, [&] { ++first; });
  const auto ended = deadlines.begin({110}, [&] { ++second; });
  // What is told may ask again: nothing is locked then.
  deadlines.begin({200}, [&] {
    ++third;
    CHECK_FALSE(deadlines.check({1'000}));
  });
  CHECK(deadlines.check({99})->us == 100);
  CHECK(first == 0);
  deadlines.end(ended);
  CHECK(deadlines.check({100})->us == 200);
  CHECK(first == 1);
  CHECK_FALSE(deadlines.check({500}));
  CHECK(first == 1);
  CHECK(second == 0);
  CHECK(third == 1);
}

TEST_CASE("a pool without threads runs what its driver chooses, and drops the rest when it stops") {
  work_pool pool(0);
  std::vector<int> ran;
  for (int i = 0; i < 4; ++i) pool.run([&ran, i] { ran.push_back(i); });
  CHECK(pool.waiting() == 4);
  CHECK(pool.run_one(2));
  CHECK(pool.run_one(0));
  CHECK_FALSE(pool.run_one(2));
  CHECK(ran == std::vector<int>{2, 0});
  pool.stop();
  CHECK(pool.waiting() == 0);
  CHECK_FALSE(pool.run_one(0));
}
