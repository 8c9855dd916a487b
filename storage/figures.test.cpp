// The counts behind the metrics: they would be wrong without anything else failing.
#include <catch2/catch.hpp>

#include "storage/store_figures.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

TEST_CASE("a store counts accepted commits, groups and bytes of its files, also over an opening again") {
  const temp_folder folder;
  store_options o;
  o.path = folder.path() / "store";
  o.limits.low_water_bytes = 0;
  o.limits.reopen_free_bytes = 0;
  auto s = store::open(std::move(o));
  REQUIRE(s);
  const auto before = (*s)->figures();
  const auto put = [&](const char* key) {
    commit c;
    c.operations.emplace_back(put_row{table::timer, key, std::string(1'000, 'x')});
    return (*s)->submit_wait(std::move(c));
  };
  for (const auto* key : {"a", "b", "c"}) REQUIRE(put(key));
  commit refused;
  refused.preconditions.emplace_back(row_is{table::timer, "a", false});
  refused.operations.emplace_back(put_row{table::timer, "d", "x"});
  CHECK_FALSE((*s)->submit_wait(std::move(refused)));
  auto now = (*s)->figures();
  CHECK(now.commit_us.total() == before.commit_us.total() + 3);
  CHECK(now.group_commits.sum == before.group_commits.sum + 3);
  CHECK(now.sync_us.total() == before.sync_us.total() + 3);
  // Closing writes what was in memory to files.
  REQUIRE((*s)->reopen());
  now = (*s)->figures();
  CHECK(now.commit_us.total() == before.commit_us.total() + 3);
  CHECK(now.family_bytes[static_cast<std::size_t>(family::queue)] > 0);
  REQUIRE((*s)->close());
  CHECK((*s)->figures().family_bytes[static_cast<std::size_t>(family::queue)] == 0);
}
