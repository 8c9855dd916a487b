// The order of resources in memory against a plain look at the store. Would find: a version that is listed twice, or still after it is gone; a page that is
// cut at the wrong place; a total that counts what was erased or may not be read; an order that is not that of the last updates.
#include "storage/ordered_index.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "storage/erase.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;

namespace {

struct site {
  std::unique_ptr<store> rows;
  base::seeded_entropy dice;
  std::vector<base::uuid> ids;
  std::shared_ptr<ordered_index> index;

  explicit site(std::uint64_t seed, store_limits limits = {})
      : rows(test::open_memory(memory_kv::create(), &base::system_clock_source(), limits)), dice(seed), index(fresh()) {}

  std::shared_ptr<ordered_index> fresh() {
    return std::make_shared<ordered_index>(*rows, "Task", "status", [](const std::function<void()>& job) { job(); });
  }
  std::size_t below(std::size_t n) { return dice.u64() % n; }
  void submit(operation op) {
    const auto done = rows->submit_wait(test::commit_of(std::move(op)));
    if (!done) FAIL(done.error().to_string());
  }
  void put(base::uuid id, bool sealed = false) {
    static const char* const statuses[] = {"requested", "in-progress", "completed"};
    std::vector<fhir::index_entry> index;
    if (below(8)) index.push_back({"status", statuses[below(3)]});
    auto op = test::task(id, std::move(index));
    op.access_class = below(2) ? "LOCAL" : "ALL";
    op.body = fmt::format(R"({{"resourceType":"Task","id":"{}","meta":{{}},"status":"completed","description":"{}"}})", id.to_string(),
                          std::string(sealed ? 5'000 : 1, 'x'));
    submit(std::move(op));
  }
  base::uuid make(bool sealed = false) {
    ids.push_back(base::uuid::random(dice));
    put(ids.back(), sealed);
    return ids.back();
  }
  void step() {
    const auto way = below(10);
    if (ids.empty() || way < 4) return void(make(below(4) == 0));
    const auto id = ids[below(ids.size())];
    const auto now = *rows->view()->current("Task", id);
    if (way < 7) return put(id, below(4) == 0);
    if (way == 7 && now && !now->deleted) return submit(delete_resource{"Task", id});
    if (way == 8 && now) return submit(purge_resource{"Task", id});
    if (way == 9 && now) (void)erase_resource(*rows, "Task", id);
  }

  struct wish {
    std::set<std::string> statuses;
    bool local = true;
    bool newest_first = false;
    std::int64_t from = INT64_MIN, to = INT64_MAX;
    std::size_t first = 0, count = 5;
  };
  wish any() {
    wish w;
    for (const auto* s : {"requested", "in-progress", "completed", ""})
      if (below(2)) w.statuses.insert(s);
    w.local = below(2);
    w.newest_first = below(2);
    const auto time = [&]() -> std::int64_t {
      if (ids.empty()) return 0;
      const auto now = *rows->view()->current("Task", ids[below(ids.size())]);
      return now ? now->last_updated.us : 0;
    };
    if (below(3) == 0) w.from = time();
    if (below(3) == 0) w.to = time();
    w.first = below(2) ? 0 : below(20);
    w.count = below(10);
    return w;
  }

  void compare(ordered_index& with, const wish& w) {
    const auto view = rows->view();
    std::vector<fhir::stored_resource> all;
    std::set<base::uuid> looked;
    for (const auto& id : ids) {
      if (!looked.insert(id).second) continue;
      auto r = *view->current("Task", id);
      if (!r || r->deleted || r->last_updated.us < w.from || r->last_updated.us >= w.to || (!w.local && r->access_class == "LOCAL"))
        continue;
      std::string status;
      for (const auto* s : {"requested", "in-progress", "completed"}) {
        const auto found = *view->ids_in("Task", "status", s, std::string(s) + '\0', 100'000);
        if (std::ranges::find(found, id) != found.end()) status = s;
      }
      if (w.statuses.contains(status)) all.push_back(std::move(*r));
    }
    std::ranges::sort(all, {}, &fhir::stored_resource::last_updated);
    if (w.newest_first) std::ranges::reverse(all);
    std::vector<std::string> expected, found;
    for (auto i = w.first; i < all.size() && i < w.first + w.count; ++i)
      expected.push_back(all[i].id.to_string() + " " + std::to_string(all[i].version));

    fhir::ordered_request q;
    q.type = "Task";
    q.accepts = [&](std::span<const std::string> values) { return w.statuses.contains(values.empty() ? "" : values[0]); };
    q.readable = [&](std::string_view access_class, const fhir::resource_view&) { return w.local || access_class == "ALL"; };
    q.from = w.from;
    q.to = w.to;
    q.newest_first = w.newest_first;
    q.window = [&](std::size_t) { return std::pair(w.first, w.count); };
    const auto page = with.page(q, true);
    if (!page) FAIL(page.error().to_string());
    REQUIRE(*page);
    for (const auto& r : (*page)->rows) found.push_back(r.id.to_string() + " " + std::to_string(r.version));
    CHECK((*page)->total == all.size());
    CHECK(found == expected);
  }
};

}  // namespace

TEST_CASE("ordered index: random writes, deletions, purges and erasures, compared with the store", "[search]") {
  const char* given = std::getenv("DSF_SEED");
  const auto seed = given ? std::strtoull(given, nullptr, 10) : 1;
  INFO("DSF_SEED=" << seed);
  site s(seed);
  for (int i = 0; i < 250; ++i) {
    INFO("step " << i);
    for (auto n = s.below(4); n > 0; --n) s.step();
    s.compare(*s.index, s.any());
    if (i % 25 == 0) s.compare(*s.fresh(), s.any());
  }
}

TEST_CASE("ordered index: what the feed no longer tells is read from the store", "[search]") {
  store_limits limits;
  limits.feed_rows = 10;
  site s(3, limits);
  for (int i = 0; i < 5; ++i) s.make();
  s.compare(*s.index, {{"requested", "in-progress", "completed", ""}});
  for (int i = 0; i < 3'000; ++i) s.put(s.ids[s.below(5)]);
  s.compare(*s.index, {{"requested", "in-progress", "completed", ""}});
}

TEST_CASE("ordered index: places of versions that are gone are given back", "[search]") {
  site s(4);
  for (int i = 0; i < 10; ++i) s.make(i == 3);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 6'000; ++i) s.put(s.ids[s.below(9)], i % 64 == 0);
    s.compare(*s.index, s.any());
    REQUIRE(s.index->places_held() < 20'100);
  }
}

TEST_CASE("ordered index: not made yet, it answers nothing and is made by a job", "[search]") {
  site s(5);
  s.make();
  std::vector<std::function<void()>> jobs;
  const auto index =
      std::make_shared<ordered_index>(*s.rows, "Task", "status", [&](std::function<void()> job) { jobs.push_back(std::move(job)); });
  fhir::ordered_request q;
  q.type = "Task";
  q.accepts = [](auto) { return true; };
  q.readable = [](auto, const auto&) { return true; };
  q.window = [](std::size_t) { return std::pair<std::size_t, std::size_t>(0, 5); };
  CHECK(!*index->page(q, false));
  CHECK(!*index->page(q, false));
  REQUIRE(jobs.size() == 1);
  jobs.front()();
  CHECK((*index->page(q, false))->total == 1);
  q.type = "Patient";
  CHECK(!*index->page(q, true));
}
