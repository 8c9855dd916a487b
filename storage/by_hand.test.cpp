// A store without a thread: what the simulation drives (docs/design.md, decision 19).
#include <catch2/catch.hpp>

#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

std::unique_ptr<store> open_by_hand(std::shared_ptr<memory_kv> rows, std::size_t group_commits = 1'000) {
  store_options o;
  o.rows = std::move(rows);
  o.by_hand = true;
  o.limits.group_commits = group_commits;
  auto opened = store::open(std::move(o));
  REQUIRE(opened);
  return std::move(*opened);
}

commit meta_row(std::string key) { return commit_of(put_row{table::meta, std::move(key), "v"}); }

}  // namespace

// Would find: a thread that answers by itself, a group that is too large, an answer that is lost at closing.
TEST_CASE("by hand: commits wait until a group is run, in groups of the limit; closing answers the rest") {
  const auto rows = memory_kv::create();
  auto s = open_by_hand(rows, 2);
  std::vector<std::uint64_t> answered, told;
  s->on_commit([&](std::span<const feed_entry> entries) {
    for (const auto& e : entries) told.push_back(e.sequence);
  });
  for (int i = 0; i < 5; ++i)
    s->submit(meta_row("k" + std::to_string(i)), [&](result<receipt> r) { answered.push_back(r ? r->sequence : 0); });
  CHECK(answered.empty());
  CHECK(s->status().queued_commits == 5);
  CHECK(s->run_one_group());
  CHECK(answered == std::vector<std::uint64_t>{1, 2});
  CHECK(told == answered);
  CHECK(s->status().groups == 1);
  REQUIRE(s->close());
  CHECK(answered == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK_FALSE(s->run_one_group());
}

TEST_CASE("by hand: who waits for an answer runs the groups before it; opening again needs no thread") {
  const auto rows = memory_kv::create();
  auto s = open_by_hand(rows, 1);
  int before = 0;
  s->submit(meta_row("a"), [&](const result<receipt>&) { ++before; });
  const auto done = s->submit_wait(meta_row("b"));
  REQUIRE(done);
  CHECK(done->sequence == 2);
  CHECK(before == 1);
  REQUIRE(s->allocate_instance_ids(0, 10));
  rows->fail_writes(0);
  CHECK_FALSE(s->submit_wait(meta_row("c")));
  rows->heal();
  REQUIRE(s->reopen());
  CHECK(s->submit_wait(meta_row("d")));
}

TEST_CASE("memory kv: a copy has the visible rows and lives its own life") {
  const auto rows = memory_kv::create();
  {
    const auto s = open_by_hand(rows);
    REQUIRE(s->submit_wait(meta_row("a")));
  }
  const auto other = rows->copy();
  other->lose_unsynced();
  const auto s = open_by_hand(other);
  CHECK(s->view()->row_value(table::meta, "a").value() == "v");
  REQUIRE(s->submit_wait(meta_row("b")));
  const auto first = open_by_hand(rows);
  CHECK_FALSE(first->view()->row_value(table::meta, "b").value());
  CHECK(first->view()->sequence() == 1);
}
