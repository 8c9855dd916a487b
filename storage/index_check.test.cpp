// Would find: a check that passes an index which lost or kept a row, or that finds fault with one that is right.
#include "storage/index_check.hpp"

#include <catch2/catch.hpp>

#include "storage/record.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

const std::function<bool(std::uint64_t)> unwatched = [](std::uint64_t) { return true; };

struct indexed_store {
  std::shared_ptr<memory_kv> rows = memory_kv::create();
  std::unique_ptr<store> s = open_memory(rows);

  indexed_store() {
    send(task(id(1), {{"code", "a"}, {"status", "draft"}}, {{"Task.identifier", "t1"}}));
    send(task(id(1), {{"code", "b"}, {"status", "draft"}}, {{"Task.identifier", "t1b"}}));
    send(task(id(2), {{"code", "a"}}));
    send(delete_resource{"Task", id(2)});
    send(task(id(3), {{"code", "c"}}));
    send(delete_resource{"Task", id(3)});
    send(task(id(3), {{"code", "d"}}));
    send(task(id(4), {{"code", "e"}}));
    send(delete_resource{"Task", id(4)});
    send(purge_resource{"Task", id(4)});
  }
  void send(operation op) { REQUIRE(s->submit_wait(commit_of(std::move(op)))); }
  index_report look(const index_maker& make = {}) {
    auto r = check_index(*s->view(), make, unwatched);
    REQUIRE(r);
    return *r;
  }
  void write(const std::function<void(write_batch&)>& change) {
    write_batch batch;
    change(batch);
    REQUIRE(s->close());
    REQUIRE(rows->write(batch, true));
    s = open_memory(rows);
  }
};

std::string entry(base::uuid of, const store& s, const std::string& parameter, const std::string& value) {
  std::string head, row;
  REQUIRE(*s.view()->below().find(family::res, row_keys::resource("Task", of), head));
  row_keys::put_index(row, "Task", parameter, value, parse_record(head)->ordinal);
  return row;
}

}  // namespace

TEST_CASE("index check: an index that commits made is whole") {
  indexed_store i;
  const auto r = i.look();
  INFO((r.examples.empty() ? "" : r.examples.front()));
  CHECK(r.whole());
  CHECK(r.resources == 3);
  CHECK(r.rows > 10);
}

TEST_CASE("index check: a row that is missing, and one that is too many, are found and named") {
  indexed_store i;
  SECTION("missing entry") {
    const auto key = entry(id(1), *i.s, "code", "b");
    i.write([&](write_batch& b) { b.erase(family::idx, key); });
    const auto r = i.look();
    CHECK(r.missing == 1);
    CHECK(r.stray == 0);
    REQUIRE(r.examples.size() == 1);
    CHECK(r.examples.front() == "Task/" + id(1).to_string() + ": the index lacks its entry of 'code'");
  }
  SECTION("stray entry") {
    const auto key = entry(id(1), *i.s, "code", "a");  // of its first version
    i.write([&](write_batch& b) { b.put(family::idx, key, to_value("")); });
    const auto r = i.look();
    CHECK(r.missing == 0);
    CHECK(r.stray == 1);
  }
  SECTION("a unique key of somebody else") {
    i.write([&](write_batch& b) { b.put(family::idx, row_keys::unique("Task.identifier", "t1b"), to_owner_value(id(3), "Task")); });
    CHECK(i.look().missing == 1);
  }
  SECTION("a date") {
    const auto last = (*i.s->view()->current("Task", id(2)))->last_updated;
    std::string key(1, static_cast<char>(table::dated));
    std::size_t dropped = 0;
    std::vector<std::string> keys;
    REQUIRE(i.s->view()->below().scan(family::idx, key_range::prefix(key), [&](std::string_view k, std::string_view) {
      if (dropped++ == 0) keys.emplace_back(k);
      return true;
    }));
    REQUIRE(last.us > 0);
    i.write([&](write_batch& b) { b.erase(family::idx, keys.front()); });
    CHECK(i.look().missing == 1);
  }
}

TEST_CASE("index check: content that gives other entries than were stored is found") {
  indexed_store i;
  const auto r = i.look([](const base::json& resource) {
    std::vector<fhir::index_entry> out;
    if (resource["id"].str() == id(3).to_string()) out = {{"code", "d"}};
    if (resource["id"].str() == id(1).to_string()) out = {{"code", "other"}, {"status", "draft"}};
    return out;
  });
  CHECK(r.different == 1);
  CHECK(r.missing + r.stray == 0);
  REQUIRE(r.examples.size() == 1);
  CHECK(r.examples.front().find("'code'") != std::string::npos);
}

TEST_CASE("index check: can be stopped") {
  indexed_store i;
  for (int n = 100; n < 3'600; ++n) i.send(task(id(static_cast<std::uint64_t>(n)), {{"code", "x"}}));
  CHECK_FALSE(check_index(*i.s->view(), {}, [](std::uint64_t) { return false; }));
}
