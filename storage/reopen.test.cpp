// A real disk that takes no more: the limit on the size of files plays the full disk (docs/design.md, decision 18).
#include <catch2/catch.hpp>

#include <rocksdb/file_system.h>

#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <fstream>

#include "storage/rocks_kv.hpp"
#include "storage/test_support.hpp"
#include "storage/wal_check.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;
namespace fs = std::filesystem;

namespace {

// For the whole process, until it goes away.
class file_size_limit {
public:
  explicit file_size_limit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~file_size_limit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
  rlimit before_{};
};

std::unique_ptr<store> open_with(const fs::path& path, store_limits limits) {
  store_options o;
  o.path = path;
  o.limits = limits;
  auto opened = store::open(std::move(o));
  if (!opened) throw std::runtime_error(opened.error().to_string());
  return std::move(*opened);
}

// Text that does not compress.
std::string noise(base::entropy& from, std::size_t size) {
  std::string out;
  while (out.size() < size) out += base::uuid::random(from).to_string();
  return out;
}

// Commits until one is refused; the number of those that were not.
std::uint64_t fill(store& s, std::uint64_t first, std::size_t size) {
  base::seeded_entropy random(first);
  for (std::uint64_t i = 0; i < 10'000; ++i)
    if (const auto r = s.submit_wait(commit_of(task(id(first + i), {}, {}, noise(random, size)))); !r) {
      CHECK(r.error().is(errc::read_only));
      return i;
    }
  FAIL("the limit was never reached");
  return 0;
}

std::string log_of(const fs::path& folder) {
  fs::path newest;
  for (const auto& e : fs::directory_iterator(folder))
    if (e.path().extension() == ".log" && e.path() > newest) newest = e.path();
  std::ifstream in(newest, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("reopen: while the disk is full the store can be read, and is not closed in vain; then it goes on with what was answered") {
  const temp_folder folder;
  auto s = open_with(folder.path() / "site", {});
  const auto other = s->status().site_id;
  std::string dump;
  std::uint64_t accepted = 0;
  {
    const file_size_limit full(300'000);
    accepted = fill(*s, 1, 3'000);
    CHECK(accepted > 20);
    CHECK_FALSE(s->status().writable);
    CHECK(s->status().may_recover);
    CHECK(s->status().why_not.find("File too large") != std::string::npos);
    dump = s->view()->dump().value();
    // A view in use would let the closing wait: that the answer comes at once shows that nothing was closed.
    const auto held = s->view();
    const auto again = s->reopen();
    REQUIRE_FALSE(again);
    CHECK(again.error().is(errc::io));
    CHECK(again.error().text().find("does not take writes yet") != std::string::npos);
    CHECK(s->status().may_recover);
    CHECK(s->view()->dump().value() == dump);
  }
  CHECK_FALSE(fs::exists(folder.path() / "site/trial"));
  REQUIRE(s->reopen());
  CHECK(s->status().writable);
  CHECK(s->status().site_id == other);
  CHECK(s->view()->dump().value() == dump);
  CHECK(s->view()->all_ids("Task", 10'000)->size() == accepted);
  REQUIRE(s->submit_wait(commit_of(task(id(99'999)))));
  dump = s->view()->dump().value();
  s.reset();
  s = open_with(folder.path() / "site", {});
  CHECK(s->view()->dump().value() == dump);
}

TEST_CASE("reopen: a second failure goes back to reading") {
  const temp_folder folder;
  store_limits limits;
  limits.reopen_trial_bytes = 4'096;  // the trial succeeds, the opening does not
  auto s = open_with(folder.path() / "site", limits);
  base::seeded_entropy random(5);
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(s->submit_wait(commit_of(task(id(i), {}, {}, noise(random, 30'000)))));
  const auto dump = s->view()->dump().value();
  {
    const file_size_limit full(1 << 20);
    CHECK(fill(*s, 1'000, 100) == 0);
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto again = s->reopen();
      REQUIRE_FALSE(again);
      INFO(again.error().to_string());
      CHECK(again.error().is(errc::io));
      CHECK_FALSE(s->status().writable);
      CHECK(s->status().may_recover);
      CHECK(s->view()->dump().value() == dump);
      CHECK(s->submit_wait(commit_of(task(id(2'000)))).error().is(errc::read_only));
      // The lock is kept: no other program slips in.
      CHECK(open_folder(folder.path() / "site").error().is(errc::locked));
    }
  }
  REQUIRE(s->reopen());
  CHECK(s->view()->dump().value() == dump);
  CHECK(s->submit_wait(commit_of(task(id(2'000)))));
}

TEST_CASE("reopen: a store whose views are in use stays open") {
  const temp_folder folder;
  store_limits limits;
  limits.view_wait_ms = 20;
  auto s = open_with(folder.path() / "site", limits);
  REQUIRE(s->submit_wait(commit_of(task(id(1)))));
  {
    const auto held = s->view();
    CHECK(s->reopen().error().is(errc::locked));
    CHECK(held->all_ids("Task", 10)->size() == 1);
  }
  CHECK(s->status().writable);
  REQUIRE(s->submit_wait(commit_of(task(id(2)))));
  REQUIRE(s->reopen());
  CHECK(s->view()->all_ids("Task", 10)->size() == 2);
}

// What a failed sync leaves: a whole record, which RocksDB would take for a good one.
TEST_CASE("reopen: batches that were written after the last good one are cut off, and no others") {
  const temp_folder folder;
  const auto path = folder.path() / "rows";
  std::vector<std::size_t> ends;
  {
    auto rows = open_rocks_kv(path, {}, true, false).value();
    for (int i = 0; i < 40; ++i) {
      write_batch b;
      b.put(family::meta, fmt::format("a{:03}", i), std::string(static_cast<std::size_t>(i) * 300, 'x'));
      b.put(family::queue, fmt::format("b{:03}", i), "y");
      REQUIRE(rows->write(b, true));
      ends.push_back(log_of(path).size());
    }
  }
  const auto log = log_of(path);
  REQUIRE(log.size() == ends.back());
  REQUIRE(log.size() > 5 * 32'768);
  // Two rows a batch, numbered from 1.
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto end = end_of_batches(log, 2 * (i + 1));
    CHECK(end >= ends[i]);
    CHECK(end <= ends[i] + 6);  // the filling of a block
  }
  // A torn end is none of its business.
  CHECK(end_of_batches(std::string_view(log).substr(0, log.size() - 10), 78) == log.size() - 10);
  CHECK(end_of_batches({}, 0) == 0);
  REQUIRE(cut_newest_log(*rocksdb::FileSystem::Default(), path, 30));
  auto rows = open_rocks_kv(path, {}, false, false).value();
  std::string value;
  CHECK(*rows->find(family::queue, "b014", value));
  CHECK_FALSE(*rows->find(family::meta, "a015", value));
  CHECK_FALSE(*rows->find(family::queue, "b039", value));
}
