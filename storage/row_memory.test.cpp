// Resources that were read lately are remembered for all snapshots. Would find: a snapshot that sees what was written after it; one that still sees what was
// overwritten, deleted or purged before it; a reader of an old snapshot who puts an old version in behind the back of a write.
#include "storage/row_memory.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "storage/record.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using test::commit_of;
using test::id;
using test::task;

namespace {

std::uint64_t version_in(const store_view& view, base::uuid of) {
  const auto found = view.current("Task", of);
  REQUIRE(found);
  return *found && !(*found)->deleted ? (*found)->version : 0;
}

void submit(store& s, operation op) { REQUIRE(s.submit_wait(commit_of(std::move(op)))); }

feed_entry updated(std::uint64_t sequence, base::uuid of) {
  feed_entry e;
  e.sequence = sequence;
  e.resources.push_back({resource_change::kind::updated, "Task", of, 2});
  return e;
}

}  // namespace

TEST_CASE("row memory: every snapshot goes on seeing what it saw, whoever read what before") {
  const auto s = test::open_memory(memory_kv::create());
  submit(*s, task(id(1)));
  const auto first = s->view();
  CHECK(version_in(*first, id(1)) == 1);
  submit(*s, task(id(1)));
  const auto second = s->view();
  CHECK(version_in(*second, id(1)) == 2);
  CHECK(version_in(*first, id(1)) == 1);
  CHECK(version_in(*s->view(), id(1)) == 2);
  submit(*s, delete_resource{"Task", id(1)});
  CHECK(version_in(*s->view(), id(1)) == 0);
  CHECK(version_in(*second, id(1)) == 2);
  CHECK(version_in(*s->view(), id(1)) == 0);
  submit(*s, task(id(1)));
  CHECK(version_in(*s->view(), id(1)) == 4);
  submit(*s, purge_resource{"Task", id(1)});
  CHECK(version_in(*s->view(), id(1)) == 0);
  submit(*s, task(id(1)));
  CHECK(version_in(*s->view(), id(1)) == 1);
}

TEST_CASE("row memory: what an older snapshot read does not come in behind a write") {
  row_memory memory(1 << 20);
  const auto key = row_keys::resource("Task", id(1));
  memory.keep(key, "old", 3, 5);
  REQUIRE(memory.find(key, 5));
  CHECK(!memory.find(key, 2));
  const auto entry = updated(6, id(1));
  memory.before_write({&entry, 1});
  CHECK(!memory.find(key, 5));
  memory.keep(key, "old", 3, 5);
  CHECK(!memory.find(key, 6));
  memory.keep(key, "new", 6, 6);
  CHECK(*memory.find(key, 6) == "new");
  CHECK(!memory.find(key, 5));
}

TEST_CASE("row memory: what is not asked for again is forgotten, what is stays") {
  row_memory memory(1 << 20);
  const auto hot = row_keys::resource("Task", id(0));
  memory.keep(hot, std::string(1'000, 'h'), 1, 1);
  std::size_t left = 0;
  for (std::uint64_t i = 1; i < 5'000; ++i) {
    memory.keep(row_keys::resource("Task", id(i)), std::string(1'000, 'x'), 1, 1);
    REQUIRE(memory.find(hot, 1));
  }
  for (std::uint64_t i = 1; i < 5'000; ++i) left += memory.find(row_keys::resource("Task", id(i)), 1) ? 1 : 0;
  CHECK(left < 1'100);
}

TEST_CASE("row memory: readers beside a writer see versions that only grow, and each snapshot one") {
  const auto s = test::open_memory(memory_kv::create());
  for (std::uint64_t i = 0; i < 4; ++i) submit(*s, task(id(i)));
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  std::atomic<std::uint64_t> reads = 0;
  std::array<std::atomic<std::uint64_t>, 4> answered{};
  const auto read = [&] {
    while (!over) {
      for (std::uint64_t i = 0; i < 4; ++i) {
        const auto at_least = answered[i].load();
        const auto view = s->view();
        const auto one = view->current("Task", id(i)), two = view->current("Task", id(i));
        if (!one || !*one || !two || !*two || (*one)->version != (*two)->version || (*one)->version < at_least) ++wrong;
        ++reads;
      }
    }
  };
  std::thread a(read), b(read);
  for (std::uint64_t n = 0; n < 2'000 || reads < 2'000; ++n) {
    const auto done = s->submit_wait(commit_of(task(id(n % 4))));
    if (!done) ++wrong;
    if (done) answered[n % 4] = done->written.front().version;
  }
  over = true;
  a.join();
  b.join();
  CHECK(wrong == 0);
}
