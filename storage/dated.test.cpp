// Would find: a version that no history shows, one that is shown after it was purged, an older store whose histories are empty.
#include <catch2/catch.hpp>

#include <algorithm>

#include "storage/dated.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

const auto a = id(1), b = id(2);

std::string shown(const store& s, base::timestamp after = {INT64_MIN}, std::size_t limit = 100) {
  std::string out;
  const auto view = s.view();
  const auto versions = view->dated("Task", after, limit).value();
  for (const auto& v : versions)
    out += fmt::format("{}{}{}{} ", v.id == a ? "a" : "b", v.version, v.deleted ? "x" : "", v.access_class == "LOCAL" ? "" : "?");
  return out;
}

}  // namespace

TEST_CASE("dated: versions of a type stand in the order of their times") {
  auto s = open_memory(memory_kv::create());
  REQUIRE(s->submit_wait(commit_of({}, {task(a), task(b)})));
  REQUIRE(s->submit_wait(commit_of(task(a))));
  REQUIRE(s->submit_wait(commit_of(delete_resource{"Task", b})));
  REQUIRE(s->submit_wait(commit_of(task(b))));
  CHECK(shown(*s) == "a1 b1 a2 b2x b3 ");
  CHECK(shown(*s, {INT64_MIN}, 2) == "a1 b1 ");
  const auto second = (*s->view()->version("Task", b, 1))->last_updated;
  CHECK(shown(*s, second) == "a2 b2x b3 ");
  CHECK(shown(*s, {second.us - 1}) == "b1 a2 b2x b3 ");
  CHECK(s->view()->dated("Tas", {INT64_MIN}, 9)->empty());
}

TEST_CASE("dated: nothing is left of what was purged, also in the same group") {
  const auto rows = memory_kv::create();
  store_options o;
  o.rows = rows;
  o.by_hand = true;
  auto s = std::move(*store::open(std::move(o)));
  const auto send = [&](commit c) { s->submit(std::move(c), nullptr); };
  // One group: b lives, a refused commit would have taken a's time, and a goes with all that the group made of it.
  send(commit_of({}, {task(a), task(a), task(b)}));
  send(commit_of({version_is{"Task", a, 7}}, {task(a)}));
  send(commit_of({}, {delete_resource{"Task", a}, purge_resource{"Task", a}, task(b)}));
  REQUIRE(s->run_one_group());
  CHECK(shown(*s) == "b1 b2 ");
  send(commit_of({}, {task(a), task(a)}));
  REQUIRE(s->run_one_group());
  send(commit_of({}, {task(a), task(b), purge_resource{"Task", a}}));
  REQUIRE(s->run_one_group());
  CHECK(shown(*s) == "b1 b2 b3 ");
}

TEST_CASE("dated: a store from before this table gets its rows when it is opened") {
  const auto rows = memory_kv::create();
  std::string whole;
  {
    auto s = open_memory(rows);
    for (int i = 0; i < 3; ++i) REQUIRE(s->submit_wait(commit_of({}, {task(a), task(b)})));
    REQUIRE(s->submit_wait(commit_of(delete_resource{"Task", b})));
    whole = s->view()->dump().value();
    REQUIRE(shown(*s) == "a1 b1 a2 b2 a3 b3 b4x ");
  }
  write_batch older;
  const auto prefix = std::string(1, static_cast<char>(table::dated));
  older.erase_range(family::idx, prefix, prefix_end(prefix));
  older.erase(family::meta, row_keys::of(table::meta, dated_mark));
  REQUIRE(rows->write(older, true));
  auto s = open_memory(rows);
  CHECK(shown(*s) == "a1 b1 a2 b2 a3 b3 b4x ");
  CHECK(s->view()->dump().value() == whole);
}
