// Conformance of the commit interface.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>
#include <set>

#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

// Holds the commit thread in its write, so that the next commits form one group.
class gate {
public:
  explicit gate(memory_kv& rows) {
    rows.on_write([this](const write_batch&, bool) {
      std::unique_lock lock(mutex_);
      inside_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return open_; });
    });
  }
  void wait_until_writing() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool inside_ = false;
  bool open_ = false;
};

struct collected {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<result<receipt>> answers;
  store::answer next() {
    return [this](result<receipt> r) {
      const std::lock_guard lock(mutex);
      answers.push_back(std::move(r));
      changed.notify_all();
    };
  }
  // The answers come on the commit thread.
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return answers.size() >= count; }));
  }
};

template <class Code>
bool refused(const result<receipt>& r, Code code) {
  return !r && r.error().is(code);
}

}  // namespace

TEST_CASE("store: a resource is served with version and time spliced in; history keeps what was") {
  const auto s = open_memory(memory_kv::create());
  const auto one = id(1);
  const auto first = s->submit_wait(
      commit_of({version_is{"Task", one, 0}}, {task(one, {{"identifier", "a"}, {"status", "draft"}}, {{"Task.identifier", "k"}})}));
  REQUIRE(first);
  CHECK(first->sequence == 1);
  REQUIRE(first->written.size() == 1);
  CHECK(first->written[0].version == 1);
  const auto v1 = s->view();
  auto current = v1->current("Task", one);
  REQUIRE((current && *current));
  CHECK((*current)->bytes->find("\"meta\":{\"versionId\":\"1\",\"lastUpdated\":\"") != std::string::npos);
  CHECK((*current)->access_class == "LOCAL");
  CHECK((*current)->last_updated == first->written[0].last_updated);

  REQUIRE(s->submit_wait(commit_of({version_is{"Task", one, 1}},
                                   {task(one, {{"identifier", "a"}, {"status", "requested"}}, {{"Task.identifier", "k2"}}, "second")})));
  REQUIRE(s->submit_wait(commit_of({version_is{"Task", one, 2}}, {delete_resource{"Task", one}})));
  const auto v3 = s->view();
  CHECK(v3->sequence() == 3);
  CHECK((*v3->current("Task", one))->deleted);
  CHECK((*v3->current("Task", one))->version == 3);
  CHECK((*v3->version("Task", one, 1))->bytes != nullptr);
  CHECK(*(*v3->version("Task", one, 1))->bytes == *(*current)->bytes);
  CHECK((*v3->version("Task", one, 2))->bytes->find("second") != std::string::npos);
  CHECK_FALSE(*v3->version("Task", one, 4));
  const auto history = v3->history("Task", one, 10);
  REQUIRE(history);
  REQUIRE(history->size() == 3);
  CHECK((*history)[0].version == 1);
  CHECK((*history)[2].deleted);
  CHECK(v3->history("Task", one, 2)->size() == 2);
  CHECK(v3->all_ids("Task", 10)->empty());
  CHECK_FALSE(*v3->unique_owner("Task.identifier", "k2"));
  // The old snapshot is as it was.
  CHECK(v1->all_ids("Task", 10)->size() == 1);
  CHECK(*v1->unique_owner("Task.identifier", "k") == one);
  // A deleted resource comes back as the next version, on its old place.
  const auto again = s->submit_wait(commit_of({version_is{"Task", one, 3}}, {task(one)}));
  REQUIRE(again);
  CHECK(again->written[0].version == 4);
  CHECK(s->view()->history("Task", one, 10)->size() == 4);
  CHECK(*s->view()->all_ids("Task", 10) == std::vector{one});
}

TEST_CASE("store: index ranges follow the values' order, with prefixes and zero bytes, and old entries go") {
  const auto s = open_memory(memory_kv::create());
  const std::vector<std::string> values{"", "a", std::string("a\0", 2), std::string("a\0b", 3), "a\x01", "ab", "b", "\xff\xff"};
  for (std::size_t i = 0; i < values.size(); ++i) REQUIRE(s->submit_wait(commit_of(task(id(i), {{"code", values[i]}, {"other", "z"}}))));
  const auto v = s->view();
  for (std::size_t from = 0; from < values.size(); ++from)
    for (std::size_t to = 0; to < values.size(); ++to) {
      std::vector<base::uuid> expected;
      for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] >= values[from] && (values[to].empty() || values[i] < values[to])) expected.push_back(id(i));
      CHECK(*v->ids_in("Task", "code", values[from], values[to], 100) == expected);
    }
  CHECK(v->ids_in("Task", "code", "", "", 3)->size() == 3);
  REQUIRE(s->submit_wait(commit_of(task(id(1), {{"code", "q"}}))));
  CHECK(s->view()->ids_in("Task", "code", "a", "a\x01", 100)->size() == 2);
  CHECK(*s->view()->ids_in("Task", "code", "q", "r", 100) == std::vector{id(1)});
  CHECK(s->view()->ids_in("Task", "other", "", "", 100)->size() == values.size() - 1);
}

TEST_CASE("store: each precondition holds and fails") {
  const auto s = open_memory(memory_kv::create());
  const auto a = id(1), b = id(2);
  REQUIRE(s->submit_wait(commit_of(task(a, {{"identifier", "x"}}, {{"rule", "key"}}))));
  REQUIRE(s->submit_wait(commit_of({}, {append_events{7, 1, {"one", "two"}, "state"}, put_row{table::business_key, "row", "v"}})));
  const auto since = s->view()->sequence();
  const operation harmless = put_row{table::timer, "t", ""};
  const auto with = [&](precondition p) { return s->submit_wait(commit_of({std::move(p)}, {harmless})); };

  CHECK(with(version_is{"Task", a, 1}));
  CHECK(refused(with(version_is{"Task", a, 0}), errc::version_conflict));
  CHECK(refused(with(version_is{"Task", a, 2}), errc::version_conflict));
  CHECK(with(version_is{"Task", b, 0}));
  CHECK(refused(with(version_is{"Task", b, 1}), errc::version_conflict));
  CHECK(refused(with(absent{"rule", "key", std::nullopt}), errc::unique_conflict));
  CHECK(refused(with(absent{"rule", "key", b}), errc::unique_conflict));
  CHECK(with(absent{"rule", "key", a}));
  CHECK(with(absent{"rule", "other", std::nullopt}));
  CHECK(with(instance_at{7, 2}));
  CHECK(refused(with(instance_at{7, 1}), errc::instance_conflict));
  CHECK(with(instance_at{8, 0}));
  CHECK(with(row_is{table::business_key, "row", true}));
  CHECK(refused(with(row_is{table::business_key, "row", false}), errc::row_conflict));
  CHECK(with(row_is{table::business_key, "none", false}));
  CHECK(refused(with(row_is{table::business_key, "none", true}), errc::row_conflict));
  CHECK(with(unchanged{"Task", "identifier", "x", "y", since}));
  CHECK(refused(with(unchanged{"Task", "identifier", "x", "y", 0}), errc::changed_conflict));
  CHECK(with(unchanged{"Task", "", "", "", since}));
  REQUIRE(s->submit_wait(commit_of(task(b, {{"identifier", "m"}}))));
  CHECK(refused(with(unchanged{"Task", "", "", "", since}), errc::changed_conflict));
  CHECK(refused(with(unchanged{"Task", "identifier", "m", "n", since}), errc::changed_conflict));
  // From now on the parameter's values are watched one by one.
  const auto later = s->view()->sequence();
  REQUIRE(s->submit_wait(commit_of(task(id(3), {{"identifier", "p"}}))));
  CHECK(with(unchanged{"Task", "identifier", "m", "n", later}));
  CHECK(refused(with(unchanged{"Task", "identifier", "p", "", later}), errc::changed_conflict));
  // The errors name what and where.
  const auto conflict = with(version_is{"Task", a, 5});
  CHECK(conflict.error().kind() == base::error_kind::conflict);
  CHECK(conflict.error().text().find("has version 1, not 5") != std::string::npos);
}

TEST_CASE("store: commits of one group see one another, share one sync, and answer in order") {
  const auto rows = memory_kv::create();
  const auto s = open_memory(rows);
  gate closed(*rows);
  collected all;
  std::vector<std::uint64_t> fed;
  s->on_commit([&](std::span<const feed_entry> entries) {
    for (const auto& e : entries) fed.push_back(e.sequence);
  });
  s->submit(commit_of(put_row{table::timer, "first", ""}), all.next());
  closed.wait_until_writing();
  const auto syncs = rows->counters().syncs;
  const auto one = id(1);
  s->submit(commit_of({version_is{"Task", one, 0}}, {task(one, {}, {{"r", "k"}})}), all.next());
  s->submit(commit_of({version_is{"Task", one, 0}}, {task(one)}), all.next());                              // 1: version
  s->submit(commit_of({absent{"r", "k", std::nullopt}}, {task(id(2))}), all.next());                         // 2: unique
  s->submit(commit_of(task(id(3), {}, {{"r", "k"}})), all.next());  // 3: unique, by the operation
  s->submit(commit_of({version_is{"Task", one, 1}}, {task(one), task(one)}), all.next());  // 4: versions 2 and 3
  s->submit(commit_of({row_is{table::timer, "g", false}}, {put_row{table::timer, "g", ""}}), all.next());  // 5
  s->submit(commit_of({row_is{table::timer, "g", false}}, {put_row{table::timer, "g", ""}}), all.next());  // 6: row
  s->submit(commit_of({instance_at{9, 0}}, {append_events{9, 1, {"e"}, std::nullopt}}), all.next());  // 7
  s->submit(commit_of({instance_at{9, 0}}, {append_events{9, 1, {"f"}, std::nullopt}}), all.next());  // 8: instance
  // All or nothing: the second operation fails, so the first leaves nothing, not even an ordinal, a key or an event.
  s->submit(commit_of({}, {task(id(4), {{"code", "x"}}, {{"r", "k4"}}), append_events{9, 2, {"g"}, std::nullopt},
                           put_row{table::timer, "h", ""}, delete_resource{"Task", id(5)}}),
            all.next());
  s->submit(commit_of({absent{"r", "k4", std::nullopt}, instance_at{9, 1}, row_is{table::timer, "h", false}, version_is{"Task", id(4), 0}},
                      {task(id(6), {}, {{"r", "k4"}})}),
            all.next());
  CHECK(s->status().queued_commits == 11);
  closed.open();
  REQUIRE(s->submit_wait(commit_of(put_row{table::timer, "last", ""})));
  REQUIRE(all.answers.size() == 12);
  CHECK(all.answers[1]);
  CHECK(refused(all.answers[2], errc::version_conflict));
  CHECK(refused(all.answers[3], errc::unique_conflict));
  CHECK(refused(all.answers[4], errc::unique_conflict));
  REQUIRE(all.answers[5]);
  CHECK(all.answers[5]->written[1].version == 3);
  CHECK(all.answers[5]->written[0].last_updated < all.answers[5]->written[1].last_updated);
  CHECK(all.answers[6]);
  CHECK(refused(all.answers[7], errc::row_conflict));
  CHECK(all.answers[8]);
  CHECK(refused(all.answers[9], errc::instance_conflict));
  CHECK(refused(all.answers[10], errc::version_conflict));
  CHECK(all.answers[11]);
  std::uint64_t previous = 0;
  for (const auto& a : all.answers)
    if (a) {
      CHECK(a->sequence == previous + 1);
      previous = a->sequence;
    }
  // First, group, last; the last may have joined the group.
  const auto used = rows->counters().syncs - syncs;
  CHECK(used <= 3);
  CHECK(used >= 2);
  CHECK(*s->view()->all_ids("Task", 10) == std::vector{one, id(6)});
  CHECK(s->view()->ids_in("Task", "code", "", "", 10)->empty());
  s->close().value();
  CHECK(fed.size() == previous + 1);
  CHECK(std::is_sorted(fed.begin(), fed.end()));
}

TEST_CASE("store: nothing is visible or answered before the sync") {
  const auto rows = memory_kv::create();
  const auto s = open_memory(rows);
  gate closed(*rows);
  collected all;
  s->submit(commit_of(task(id(1))), all.next());
  closed.wait_until_writing();
  CHECK(s->view()->sequence() == 0);
  CHECK_FALSE(*s->view()->current("Task", id(1)));
  CHECK(all.answers.empty());
  closed.open();
  REQUIRE(s->submit_wait(commit_of(task(id(2)))));
  CHECK(all.answers.size() == 1);
  CHECK(*s->view()->current("Task", id(1)));
}

TEST_CASE("store: a full queue answers overloaded at once, and too large commits are refused") {
  const auto rows = memory_kv::create();
  store_limits limits;
  limits.queue_commits = 3;
  limits.commit_bytes = 5'000;
  const auto s = open_memory(rows, &base::system_clock_source(), limits);
  gate closed(*rows);
  collected all, full;
  s->submit(commit_of(put_row{table::timer, "0", ""}), all.next());
  closed.wait_until_writing();
  for (int i = 0; i < 3; ++i) s->submit(commit_of(put_row{table::timer, "k", ""}), all.next());
  s->submit(commit_of(put_row{table::timer, "k", ""}), full.next());
  REQUIRE(full.answers.size() == 1);
  CHECK(refused(full.answers[0], errc::overloaded));
  s->submit(commit_of(put_row{table::timer, "k", std::string(6'000, 'x')}), full.next());
  CHECK(refused(full.answers[1], errc::too_large));
  closed.open();
  s->close().value();
  CHECK(all.answers.size() == 4);
  for (const auto& a : all.answers) CHECK(a);
  CHECK(refused(s->submit_wait(commit_of(put_row{table::timer, "k", ""})), errc::closed));
  CHECK(s->view() == nullptr);
}

TEST_CASE("store: versions and times only grow, also when the clock goes back and across a reopening") {
  base::manual_clock clock({5'000'000});
  const auto s = open_memory(memory_kv::create(), &clock);
  base::timestamp last;
  std::uint64_t version = 0;
  const auto step = [&](std::size_t n) {
    const auto r = s->submit_wait(commit_of({}, std::vector<operation>(n, task(id(1)))));
    REQUIRE(r);
    for (const auto& w : r->written) {
      CHECK(w.last_updated > last);
      CHECK(w.version == version + 1);
      last = w.last_updated;
      version = w.version;
    }
  };
  step(1);
  CHECK(last.us == 5'000'000);
  step(3);
  clock.set({1'000});
  step(2);
  REQUIRE(s->reopen());
  step(2);
  clock.set({9'000'000});
  step(1);
  CHECK(last.us == 9'000'000);
}

TEST_CASE("store: instances: events, snapshots, ending, forgetting") {
  const auto s = open_memory(memory_kv::create());
  const auto first = s->allocate_instance_ids(3, 2);
  REQUIRE(first);
  CHECK(partition_of(*first) == 3);
  const auto i = *first;
  CHECK(refused(s->submit_wait(commit_of(append_events{i, 2, {"x"}, std::nullopt})), errc::instance_conflict));
  const std::string big(10'000, 'b');
  const std::string hash(32, '\xff');  // the last key an instance can have
  REQUIRE(s->submit_wait(
      commit_of({}, {append_events{i, 1, {"one", big}, std::nullopt}, put_row{table::journal, keys::journal(i, "act"), "j"},
                     put_row{table::value, keys::value(i, hash), big}, put_row{table::value, keys::value(i + 1, hash), big}})));
  CHECK_FALSE(*s->view()->instance_snapshot(i));
  REQUIRE(s->submit_wait(commit_of(append_events{i, 3, {"three"}, "state at 3"})));
  auto v = s->view();
  const auto events = v->instance_events(i);
  REQUIRE(events->size() == 3);
  CHECK((*events)[1].bytes == big);
  CHECK(v->instance_events(i, 3)->front().bytes == "three");
  CHECK((*v->instance_snapshot(i))->event == 3);
  CHECK((*v->instance_snapshot(i))->bytes == "state at 3");
  CHECK((*v->instance(i))->is_live());
  CHECK((*v->instance(i))->last_event == 3);
  CHECK_FALSE(*v->instance(i + 1));
  REQUIRE(s->reopen());
  REQUIRE(s->submit_wait(commit_of(
      {}, {put_row{table::journal, keys::journal(i, "act2"), "j"}, append_events{i, 4, {"four"}, std::nullopt}, end_instance{i}})));
  v = s->view();
  CHECK_FALSE((*v->instance(i))->is_live());
  CHECK(v->rows(table::journal, keys::instance(i), 10)->empty());
  CHECK(v->rows(table::value, keys::instance(i), 10)->size() == 1);
  CHECK(*v->row_value(table::value, keys::value(i, hash)) == big);
  CHECK((*v->instance_snapshot(i))->bytes == "state at 3");
  CHECK(refused(s->submit_wait(commit_of(append_events{i, 5, {"x"}, std::nullopt})), errc::instance_conflict));
  REQUIRE(s->reopen());
  CHECK(refused(s->submit_wait(commit_of(append_events{i, 5, {"x"}, std::nullopt})), errc::instance_conflict));
  REQUIRE(s->submit_wait(commit_of(forget_instance{i})));
  v = s->view();
  CHECK(v->instances(0, 10)->empty());
  CHECK(v->instance_events(i)->empty());
  // Its own values and no other's.
  CHECK(v->rows(table::value, keys::instance(i), 10)->empty());
  CHECK(v->rows(table::value, {}, 10)->size() == 1);
}

TEST_CASE("store: instance ids are never given twice; outside ids are reversible and belong to one site") {
  const auto rows = memory_kv::create();
  std::set<std::uint64_t> seen;
  std::string outside;
  for (int round = 0; round < 4; ++round) {
    const auto s = open_memory(rows);
    for (int i = 0; i < 10; ++i) CHECK(seen.insert(s->allocate_instance_ids(0).value()).second);
    outside = s->external_id(42, 7);
    CHECK(base::uuid::is_valid(outside));
    CHECK(s->internal_id_of(outside).value() == store::internal_id{42, 7});
    CHECK(s->internal_id_of(s->external_id(UINT64_MAX)).value() == store::internal_id{UINT64_MAX, 0});
    CHECK_FALSE(s->internal_id_of(id(3).to_string()));
    rows->lose_unsynced();
  }
  CHECK(open_memory(memory_kv::create())->internal_id_of(outside).has_value() == false);
  CHECK_FALSE(open_memory(rows)->allocate_instance_ids(0, 0));
  CHECK_FALSE(open_memory(rows)->allocate_instance_ids(0, 10'001));
}

TEST_CASE("store: rows, inbox and timers come back in order") {
  const auto s = open_memory(memory_kv::create());
  REQUIRE(s->submit_wait(commit_of({}, {put_inbox{"a"}, put_inbox{"b"}})));
  REQUIRE(s->submit_wait(commit_of(
      {}, {put_inbox{"c"}, put_row{table::timer, keys::timer(0, {300}, 3), "x"}, put_row{table::timer, keys::timer(0, {-5}, 1), "y"},
           put_row{table::timer, keys::timer(0, {200}, 2, "tail"), "z"}, put_row{table::timer, keys::timer(1, {100}, 9), "other"}})));
  const auto v = s->view();
  const auto inbox = v->rows(table::inbox, keys::inbox_prefix(0), 10);
  REQUIRE(inbox->size() == 3);
  CHECK((*inbox)[0].value == "a");
  CHECK((*inbox)[2].value == "c");
  CHECK(v->rows(table::inbox, keys::inbox_prefix(0), 10, (*inbox)[1].key)->size() == 2);
  CHECK(v->rows(table::inbox, keys::inbox_prefix(0), 1)->size() == 1);
  const auto due = v->due_timers(0, {250}, 10);
  REQUIRE(due->size() == 2);
  CHECK((*due)[0].at.instance == 1);
  CHECK((*due)[0].at.due.us == -5);
  CHECK((*due)[1].at.tail == "tail");
  CHECK((*due)[1].entry.value == "z");
  REQUIRE(s->submit_wait(commit_of({row_is{table::inbox, (*inbox)[0].key, true}}, {delete_row{table::inbox, (*inbox)[0].key}})));
  CHECK(refused(s->submit_wait(commit_of({row_is{table::inbox, (*inbox)[0].key, true}}, {delete_row{table::inbox, (*inbox)[0].key}})),
                errc::row_conflict));
}

TEST_CASE("store: the feed tells what changed, and is cut behind the slowest follower and at its limit") {
  const auto rows = memory_kv::create();
  store_limits limits;
  limits.feed_rows = 2'500;
  auto s = open_memory(rows, &base::system_clock_source(), limits);
  REQUIRE(s->submit_wait(
      commit_of({}, {task(id(1)), append_events{5, 1, {"e"}, std::nullopt}, put_inbox{"x"}, store::move_cursor("engine", 0)})));
  REQUIRE(s->submit_wait(commit_of({}, {task(id(1)), delete_resource{"Task", id(1)}, end_instance{5}})));
  const auto feed = s->view()->read_feed(0, 10);
  REQUIRE(feed->size() == 2);
  CHECK((*feed)[0].resources == std::vector<resource_change>{{resource_change::kind::created, "Task", id(1), 1}});
  CHECK((*feed)[0].instances == std::vector<instance_change>{{instance_change::kind::advanced, 5, 1}});
  CHECK((*feed)[0].touches(table::inbox));
  CHECK_FALSE((*feed)[0].touches(table::timer));
  CHECK((*feed)[1].resources[1].what == resource_change::kind::deleted);
  CHECK((*feed)[1].instances[0].what == instance_change::kind::ended);

  const auto fill = [&](int n) {
    for (int i = 0; i < n; ++i) s->submit(commit_of(put_row{table::timer, "t", ""}), nullptr);
    REQUIRE(s->submit_wait(commit_of(put_row{table::timer, "t", ""})));
  };
  fill(1'200);
  CHECK(s->view()->read_feed(0, 1));
  REQUIRE(s->submit_wait(commit_of(store::move_cursor("engine", 1'000))));
  CHECK(s->view()->cursor("engine").value() == 1'000);
  fill(1'100);
  const auto cut = s->view()->read_feed(0, 1);
  REQUIRE_FALSE(cut);
  CHECK(cut.error().is(errc::feed_trimmed));
  CHECK(s->view()->read_feed(1'000, 1));
  CHECK(s->status().feed_overruns == 0);
  fill(3'000);
  CHECK(s->status().feed_overruns == 1);
  CHECK_FALSE(s->view()->read_feed(1'000, 1));
  const auto sequence = s->view()->sequence();
  s.reset();
  s = open_memory(rows, &base::system_clock_source(), limits);
  CHECK(s->view()->sequence() == sequence);
  CHECK(s->submit_wait(commit_of(put_row{table::timer, "t", ""}))->sequence == sequence + 1);
}

TEST_CASE("store: a failed write turns the store read-only; waiting and later commits fail; reopening heals") {
  const auto rows = memory_kv::create();
  const auto s = open_memory(rows);
  REQUIRE(s->submit_wait(commit_of(task(id(1)))));
  const auto dump = s->view()->dump().value();
  rows->set_capacity(1);
  collected all;
  for (int i = 0; i < 5; ++i) s->submit(commit_of(task(id(10))), all.next());
  CHECK(refused(s->submit_wait(commit_of(task(id(11)))), errc::read_only));
  all.wait_for(5);
  for (const auto& a : all.answers) CHECK(refused(a, errc::read_only));
  CHECK_FALSE(s->status().writable);
  CHECK(s->status().why_not.find("no space left") != std::string::npos);
  CHECK(s->view()->dump().value() == dump);
  CHECK(s->status().why_not_in_short.starts_with("no space left"));
  CHECK(s->status().may_recover);
  rows->heal();
  CHECK(refused(s->submit_wait(commit_of(task(id(11)))), errc::read_only));
  REQUIRE(s->reopen());
  CHECK(s->status().writable);
  CHECK(s->submit_wait(commit_of(task(id(11)))));
  // A batch that reached the disk although its sync failed was refused, and stays so.
  const auto before = s->view()->dump().value();
  rows->fail_writes(0, false);
  CHECK(refused(s->submit_wait(commit_of(task(id(12)))), errc::read_only));
  CHECK(s->view()->dump().value() == before);
  rows->fail_writes(SIZE_MAX);
  REQUIRE(s->reopen());
  CHECK(s->view()->dump().value() == before);
  CHECK(s->submit_wait(commit_of(task(id(12)))));
  // Not after an orderly end.
  REQUIRE(s->close());
  CHECK_FALSE(s->status().may_recover);
  CHECK_FALSE(s->view());
}

TEST_CASE("store: commits no store would take are refused with a reason") {
  const auto s = open_memory(memory_kv::create());
  const auto wrong = [&](operation op) { return refused(s->submit_wait(commit_of(std::move(op))), errc::invalid_commit); };
  CHECK(refused(s->submit_wait({}), errc::invalid_commit));
  CHECK(wrong(put_row{table::meta, "store/format", "x"}));
  CHECK(wrong(put_row{table::resource, "x", "x"}));
  CHECK(wrong(put_row{table::timer, "", "x"}));
  CHECK(wrong(put_row{table::inbox, "x", "x"}));
  CHECK(wrong(task(id(1), {{"b", ""}, {"a", ""}})));
  CHECK(wrong(task(id(1), {{"a", ""}, {"a", ""}})));
  auto op = task(id(1));
  op.meta_at = 100'000;
  CHECK(wrong(op));
  op = task(id(1));
  op.type = std::string("Ta\0sk", 5);
  CHECK(wrong(op));
  CHECK(wrong(append_events{1, 0, {"x"}, std::nullopt}));
  CHECK(s->view()->sequence() == 0);
}
