// purge_resource and forget_instance leave nothing behind.
#include <catch2/catch.hpp>

#include <sstream>

#include "base/bytes.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

// The dump without the feed (L), ordinals (O) and names of access classes (A): what may tell that something was there, but not what it was.
std::string content(const store& s) {
  std::istringstream all(*s.view()->dump());
  std::string out;
  for (std::string line; std::getline(all, line);)
    if (!line.starts_with("4c") && !line.starts_with("4f") && !line.starts_with("41")) out += line + "\n";
  return out;
}
std::size_t ordinal_rows(const store& s) {
  std::istringstream all(*s.view()->dump());
  std::size_t n = 0;
  for (std::string line; std::getline(all, line);) n += line.starts_with("4f") ? 1 : 0;
  return n;
}

const auto one = id(1), other = id(2), third = id(3);

std::vector<operation> two_versions() {
  return {task(one, {{"identifier", "old"}, {"status", "draft"}}, {{"Task.identifier", "k1"}}, "first"),
          task(one, {{"identifier", "new"}, {"status", "draft"}}, {{"Task.identifier", "k2"}}, "second"),
          put_row{table::data_key, keys::resource_data_key("Task", one), "wrapped"}};
}
put_resource other_task() { return task(other, {{"identifier", "o"}}, {{"Task.identifier", "k3"}}); }

}  // namespace

TEST_CASE("purge: the store is as if the resource had never been there, whether it was current, deleted, or of the same group") {
  const bool deleted = GENERATE(false, true);
  base::manual_clock clock;
  const auto rows = memory_kv::create();
  auto s = open_memory(rows, &clock);
  const auto never = open_memory(memory_kv::create(), &clock);
  for (const auto& to : {s.get(), never.get()}) REQUIRE(to->submit_wait(commit_of(other_task())));
  REQUIRE(s->submit_wait(commit_of({}, two_versions())));
  if (deleted) REQUIRE(s->submit_wait(commit_of(delete_resource{"Task", one})));
  const auto version = (*s->view()->current("Task", one))->version;
  REQUIRE(version == (deleted ? 3 : 2));
  const auto before = s->view();

  const auto stale = s->submit_wait(commit_of({version_is{"Task", one, version - 1}}, {purge_resource{"Task", one}}));
  REQUIRE_FALSE(stale);
  CHECK(stale.error().is(errc::version_conflict));
  CHECK(s->view()->history("Task", one, 10)->size() == version);

  const auto purged = s->submit_wait(commit_of({version_is{"Task", one, version}}, {purge_resource{"Task", one}}));
  REQUIRE(purged);
  CHECK(purged->written.empty());
  const auto v = s->view();
  CHECK_FALSE(*v->current("Task", one));
  CHECK_FALSE(*v->version("Task", one, 1));
  CHECK(v->history("Task", one, 10)->empty());
  CHECK(*v->all_ids("Task", 10) == std::vector{other});
  CHECK(*v->ids_in("Task", "identifier", "", "", 10) == std::vector{other});
  CHECK_FALSE(*v->unique_owner("Task.identifier", "k2"));
  CHECK(content(*s) == content(*never));
  // A snapshot of before sees what was.
  CHECK(before->history("Task", one, 10)->size() == version);
  const auto feed = v->read_feed(v->sequence() - 1, 10);
  REQUIRE((feed && feed->size() == 1));
  CHECK(feed->front().resources == std::vector<resource_change>{{resource_change::kind::purged, "Task", one, version}});

  SECTION("it can't be purged twice") {
    const auto again = s->submit_wait(commit_of(purge_resource{"Task", one}));
    REQUIRE_FALSE(again);
    CHECK(again.error().is(errc::version_conflict));
  }
  SECTION("the id and the key are free, and versions begin anew; also after a restart") {
    const bool restart = GENERATE(false, true);
    if (restart) {
      REQUIRE(s->close());
      s = open_memory(rows, &clock);
      CHECK(content(*s) == content(*never));
    }
    const auto put =
        s->submit_wait(commit_of({version_is{"Task", one, 0}}, {task(one, {{"status", "draft"}}, {{"Task.identifier", "k2"}})}));
    REQUIRE(put);
    CHECK(put->written[0].version == 1);
    CHECK(s->view()->history("Task", one, 10)->size() == 1);
    CHECK(s->view()->all_ids("Task", 10)->size() == 2);
    CHECK(*s->view()->ids_in("Task", "status", "", "", 10) == std::vector{one});
  }
  SECTION("made and purged in one commit it leaves nothing either") {
    auto all = two_versions();
    all.emplace_back(delete_resource{"Task", one});
    all.emplace_back(purge_resource{"Task", one});
    REQUIRE(s->submit_wait(commit_of({}, std::move(all))));
    CHECK(content(*s) == content(*never));
  }
  SECTION("a refused commit has purged nothing") {
    const auto refused = s->submit_wait(commit_of({}, {purge_resource{"Task", other}, delete_resource{"Task", third}}));
    REQUIRE_FALSE(refused);
    CHECK(content(*s) == content(*never));
    CHECK(*s->view()->current("Task", other));
    REQUIRE(s->submit_wait(commit_of({version_is{"Task", other, 1}}, {delete_resource{"Task", other}})));
  }
}

TEST_CASE("purge: ordinals are not given again, before and after a restart") {
  const auto rows = memory_kv::create();
  auto s = open_memory(rows);
  REQUIRE(s->submit_wait(commit_of(task(one, {{"code", "a"}}))));
  REQUIRE(s->submit_wait(commit_of(task(other, {{"code", "b"}}))));
  CHECK(ordinal_rows(*s) == 2);
  REQUIRE(s->submit_wait(commit_of(purge_resource{"Task", one})));
  CHECK(ordinal_rows(*s) == 1);
  REQUIRE(s->submit_wait(commit_of(purge_resource{"Task", other})));
  CHECK(ordinal_rows(*s) == 1);  // the mark of the last one
  CHECK(s->view()->all_ids("Task", 10)->empty());
  if (GENERATE(false, true)) {
    REQUIRE(s->close());
    s = open_memory(rows);
  }
  REQUIRE(s->submit_wait(commit_of(task(third, {{"code", "c"}}))));
  CHECK(ordinal_rows(*s) == 2);  // not in the place of the mark
  CHECK(*s->view()->all_ids("Task", 10) == std::vector{third});
  CHECK(*s->view()->ids_in("Task", "code", "", "", 10) == std::vector{third});
}

TEST_CASE("purge: many versions go as a range, and what a search read before may have changed") {
  const auto s = open_memory(memory_kv::create());
  for (int round = 0; round < 12; ++round) {
    std::vector<operation> versions;
    for (int i = 0; i < 100; ++i) versions.emplace_back(task(one, {{"code", "a"}}));
    REQUIRE(s->submit_wait(commit_of({}, std::move(versions))));
  }
  REQUIRE(s->submit_wait(commit_of(task(other, {{"code", "a"}}))));
  const auto since = s->view()->sequence();
  const auto same = [&](std::string parameter) {
    return s->submit_wait(commit_of({unchanged{"Task", std::move(parameter), "a", "b", since}}, {put_row{table::timer, "t", ""}}));
  };
  REQUIRE(same("code"));
  REQUIRE(s->submit_wait(commit_of(purge_resource{"Task", one})));
  CHECK(s->view()->history("Task", one, 10)->empty());
  CHECK(s->view()->history("Task", other, 10)->size() == 1);
  CHECK_FALSE(same("code"));
  CHECK_FALSE(same(""));
}

TEST_CASE("purge: a forgotten instance leaves nothing, its data key neither") {
  const auto s = open_memory(memory_kv::create());
  const auto never = open_memory(memory_kv::create());
  const std::uint64_t instance = 7;
  REQUIRE(s->submit_wait(commit_of(
      {},
      {append_events{instance, 1, {"one", "two"}, "state"}, put_row{table::value, keys::value(instance, std::string(32, 'h')), "large"},
       put_row{table::journal, keys::journal(instance, "a"), "j"}, put_row{table::data_key, keys::instance_data_key(instance), "wrapped"},
       put_row{table::data_key, keys::instance_data_key(8), "another's"}})));
  REQUIRE(never->submit_wait(commit_of({}, {put_row{table::data_key, keys::instance_data_key(8), "another's"}})));
  REQUIRE(s->submit_wait(commit_of(end_instance{instance})));
  REQUIRE(s->submit_wait(commit_of(forget_instance{instance})));
  CHECK(content(*s) == content(*never));
}
