// The seam's conformance: one body, run against both implementations.
#include <catch2/catch.hpp>

#include "storage/rocks_kv.hpp"
#include "storage/test_support.hpp"

using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

std::vector<std::string> keys_of(const kv_reader& rows, family f, const key_range& range) {
  std::vector<std::string> out;
  REQUIRE(rows.scan(f, range, [&](std::string_view key, std::string_view) {
    out.emplace_back(key);
    return true;
  }));
  return out;
}

void conform(kv& rows) {
  using strings = std::vector<std::string>;
  std::string value;
  write_batch batch;
  for (const char* key : {"a", "ab", "abc", "b", "ba"}) batch.put(family::res, key, std::string("value of ") + key);
  batch.put(family::idx, "a", "other family");
  batch.put(family::idx, std::string_view("a\0b", 3), "");
  REQUIRE(rows.write(batch, true));

  // Families are apart; a missing key leaves the output alone; keys may hold any byte and values may be empty.
  CHECK(*rows.find(family::idx, "a", value));
  CHECK(value == "other family");
  CHECK_FALSE(*rows.find(family::hist, "a", value));
  CHECK(value == "other family");
  CHECK(*rows.find(family::idx, std::string_view("a\0b", 3), value));
  CHECK(value.empty());
  CHECK(*rows.find_cached(family::res, "ab", value) == cached::found);

  // Ranges and prefixes, both directions.
  CHECK(keys_of(rows, family::res, key_range::prefix("a")) == strings{"a", "ab", "abc"});
  CHECK(keys_of(rows, family::res, key_range::prefix("a", true)) == strings{"abc", "ab", "a"});
  CHECK(keys_of(rows, family::res, {"ab", "ba", false}) == strings{"ab", "abc", "b"});
  CHECK(keys_of(rows, family::res, {"ab", "", true}) == strings{"ba", "b", "abc", "ab"});
  CHECK(keys_of(rows, family::res, {"b", "a", false}).empty());
  CHECK(prefix_end(std::string("a\xff", 2)) == "b");
  CHECK(prefix_end("\xff").empty());

  // A snapshot sees nothing of later writes; later operations of a batch win.
  const auto before = rows.snapshot();
  batch.clear();
  batch.put(family::res, "ab", "new");
  batch.erase(family::res, "a");
  batch.put(family::res, "c", "1");
  batch.erase(family::res, "c");
  REQUIRE(rows.write(batch, true));
  CHECK(*before->find(family::res, "ab", value));
  CHECK(value == "value of ab");
  CHECK(keys_of(*before, family::res, {}) == strings{"a", "ab", "abc", "b", "ba"});
  CHECK(keys_of(rows, family::res, {}) == strings{"ab", "abc", "b", "ba"});

  // So they do in every family, though a family may be written in another order than the calls': an entry that came back stays, one that went is gone.
  for (std::size_t i = 0; i < family_count; ++i) {
    const auto f = static_cast<family>(i);
    batch.clear();
    batch.erase(f, "order 2");
    batch.put(f, "order 3", "first");
    batch.put(f, "order 1", "went");
    batch.put(f, "order 2", "came back");
    batch.erase(f, "order 1");
    batch.put(f, "order 3", "last");
    REQUIRE(rows.write(batch, true));
    CHECK(keys_of(rows, f, key_range::prefix("order")) == strings{"order 2", "order 3"});
    REQUIRE(*rows.find(f, "order 3", value));
    CHECK(value == "last");
    batch.clear();
    for (const char* key : {"order 2", "order 3"}) batch.erase(f, key);
    REQUIRE(rows.write(batch, true));
  }

  // Deleted ranges are half open.
  batch.clear();
  batch.erase_range(family::res, "abc", "ba");
  REQUIRE(rows.write(batch, true));
  CHECK(keys_of(rows, family::res, {}) == strings{"ab", "ba"});
  CHECK(keys_of(*before, family::res, {}).size() == 5);

  // More rows than one step of a scan, and a stop in the middle.
  batch.clear();
  for (int i = 0; i < 500; ++i) batch.put(family::queue, fmt::format("{:05}", i), "x");
  const auto mark = batch.here();
  batch.put(family::queue, "zz", "rolled back");
  batch.roll_back(mark);
  CHECK(batch.rows() == 500);
  REQUIRE(rows.write(batch, false));
  CHECK(keys_of(rows, family::queue, {}).size() == 500);
  CHECK(keys_of(rows, family::queue, key_range::prefix("", true)).front() == "00499");
  int seen = 0;
  REQUIRE(rows.scan(family::queue, {}, [&](std::string_view, std::string_view) { return ++seen < 100; }));
  CHECK(seen == 100);
  CHECK(rows.verify(std::atomic<bool>(false)));
  CHECK(rows.counters().writes == 4 + 2 * family_count);
  CHECK(rows.counters().syncs == 3 + 2 * family_count);
}

}  // namespace

TEST_CASE("kv: memory conforms") { conform(*memory_kv::create()); }

TEST_CASE("kv: RocksDB conforms, and keeps what it was given") {
  const temp_folder folder;
  {
    const auto rows = open_rocks_kv(folder.path() / "rows", {}, true, false);
    REQUIRE(rows);
    conform(**rows);
  }
  const auto rows = open_rocks_kv(folder.path() / "rows", {}, false, false);
  REQUIRE(rows);
  CHECK(keys_of(**rows, family::res, {}) == std::vector<std::string>{"ab", "ba"});
  CHECK((*rows)->verify(std::atomic<bool>(false)));
  CHECK((*rows)->stored_bytes() > 0);
}

TEST_CASE("kv: memory forgets what was not synced, and fails on demand") {
  const auto rows = memory_kv::create();
  std::string value;
  write_batch batch;
  batch.put(family::res, "kept", "1");
  REQUIRE(rows->write(batch, true));
  const auto snapshot = rows->snapshot();
  batch.clear();
  batch.put(family::res, "kept", "2");
  batch.put(family::res, "lost", "1");
  REQUIRE(rows->write(batch, false));
  rows->lose_unsynced();
  CHECK(*rows->find(family::res, "kept", value));
  CHECK(value == "1");
  CHECK_FALSE(*rows->find(family::res, "lost", value));

  rows->fail_writes(0, false);
  batch.clear();
  batch.put(family::res, "doubtful", "1");
  CHECK_FALSE(rows->write(batch, true));
  CHECK_FALSE(*rows->find(family::res, "doubtful", value));
  rows->heal();
  CHECK(*rows->find(family::res, "doubtful", value));

  rows->set_capacity(10);
  const auto full = rows->write(batch, true);
  REQUIRE_FALSE(full);
  CHECK(full.error().text().find("no space left") != std::string::npos);
}
