// What is removed by age, and what never is. Faults these find: an age that is off by a microsecond, a Task taken from a live instance, a thing that is
// never found because something younger stands before it, a sweep that loses what others write.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "actors/link/rows.hpp"
#include "actors/retention/keeper.hpp"
#include "base/entropy.hpp"
#include "fhir/storable.hpp"
#include "storage/memory_kv.hpp"

using namespace dsf;
using namespace dsf::actors;
using base::json;

namespace {

constexpr std::int64_t day_us = 86'400LL * base::us_per_s;
constexpr base::iso_duration ten_days{0, 10 * day_us};

struct fixture {
  base::manual_clock clock;
  std::shared_ptr<storage::memory_kv> rows = storage::memory_kv::create();
  std::unique_ptr<storage::store> store;
  std::uint64_t next_instance = 1;

  fixture() {
    storage::store_options o;
    o.rows = rows;
    o.clock = &clock;
    store = std::move(*storage::store::open(std::move(o)));
  }

  storage::receipt commit(std::vector<storage::operation> operations) {
    storage::commit c;
    c.operations = std::move(operations);
    const auto done = store->submit_wait(std::move(c));
    INFO((done ? "" : done.error().to_string()));
    REQUIRE(done);
    return *done;
  }

  static storage::put_resource resource(const std::string& type, base::uuid id, const std::string& status, const std::string& key = "k") {
    auto r = *json::parse(R"({"resourceType":")" + type + R"(","meta":{},"status":")" + status +
                          R"(","instantiatesCanonical":"http://dsf.dev/bpe/Process/ping|1.0","input":[{"type":{"coding":[{"system":)"
                          R"("http://dsf.dev/fhir/CodeSystem/bpmn-message","code":"business-key"}]},"valueString":")" +
                          key + R"("}]})");
    auto body = *fhir::make_storable(r, id);
    storage::put_resource put;
    put.type = type;
    put.id = id;
    put.meta_at = body.meta_at;
    put.body = std::move(body.bytes);
    return put;
  }
  // At its id; the time of its last version is exactly `at`.
  base::uuid add(const std::string& type, const std::string& status, const std::string& key = "k") {
    const auto id = base::uuid::random(base::system_entropy());
    commit({resource(type, id, status, key)});
    return id;
  }
  base::timestamp updated(const std::string& type, base::uuid id) { return (*store->view()->current(type, id))->last_updated; }
  bool has(const std::string& type, base::uuid id) { return (*store->view()->current(type, id)).has_value(); }

  // Started now; ended now unless `live`.
  std::uint64_t instance(bool live = false, bool with_key = true) {
    const auto id = next_instance++;
    std::vector<storage::operation> ops{storage::append_events{id, 1, {"started"}, "state"}};
    if (with_key) ops.emplace_back(storage::put_row{storage::table::data_key, storage::keys::instance_data_key(id), "wrapped"});
    if (!live) ops.emplace_back(storage::end_instance{id});
    commit(std::move(ops));
    return id;
  }
  bool has_key(std::uint64_t id) {
    return (*store->view()->row_value(storage::table::data_key, storage::keys::instance_data_key(id))).has_value();
  }
  bool known(std::uint64_t id) { return (*store->view()->instance(id)).has_value(); }

  removed_things sweep(retention_walks& walks) {
    walks.begin(clock.now());
    for (int steps = 0;; ++steps) {
      REQUIRE(steps < 10'000);
      const auto more = walks.step();
      INFO((more ? "" : more.error().to_string()));
      REQUIRE(more);
      if (!*more) return walks.removed();
    }
  }
  removed_things sweep(const retention_rules& rules, bool dry_run = false) {
    retention_walks walks(*store, rules, dry_run);
    return sweep(walks);
  }
};

}  // namespace

TEST_CASE("retention: an instance's data go exactly at their age, counted from its end, and not a microsecond before") {
  fixture f;
  const auto ended = f.instance();
  const auto live = f.instance(true);
  const auto at = f.store->view()->instance(ended)->value().ended;
  const retention_rules rules{.instances = ten_days};
  f.clock.set({at.us + 10 * day_us - 1});
  CHECK(f.sweep(rules).all() == 0);
  CHECK(f.has_key(ended));
  f.clock.set({at.us + 10 * day_us});
  CHECK(f.sweep(rules, true).of(removal::instance_data) == 1);
  CHECK(f.has_key(ended));
  CHECK(f.sweep(rules).of(removal::instance_data) == 1);
  CHECK_FALSE(f.has_key(ended));
  CHECK(f.known(ended));
  f.clock.advance_us(100 * day_us);
  CHECK(f.sweep(rules).all() == 0);
  CHECK(f.has_key(live));
}

TEST_CASE("retention: an instance's log goes exactly at its age, with all it had; never a live one's") {
  fixture f;
  const auto ended = f.instance(), live = f.instance(true);
  const auto at = f.store->view()->instance(ended)->value().ended;
  const retention_rules rules{.instance_log = base::iso_duration{1, 0}};  // a month, by the calendar
  f.clock.set({base::add(at, {1, 0}).us - 1});
  CHECK(f.sweep(rules).all() == 0);
  f.clock.advance_us(1);
  const auto removed = f.sweep(rules);
  CHECK(removed.of(removal::instance_log) == 1);
  CHECK_FALSE(f.known(ended));
  CHECK_FALSE(f.has_key(ended));
  CHECK(f.store->view()->instance_events(ended)->empty());
  f.clock.advance_us(400 * day_us);
  CHECK(f.sweep(rules).all() == 0);
  CHECK(f.known(live));
}

TEST_CASE("retention: Tasks go at their age when they are done, and drafts, open ones and those of live instances never") {
  fixture f;
  const auto completed = f.add("Task", "completed"), failed = f.add("Task", "failed"), draft = f.add("Task", "draft"),
             requested = f.add("Task", "requested"), in_progress = f.add("Task", "in-progress");
  const auto of_live = f.add("Task", "completed", "lives");
  const auto undelivered = f.add("Task", "completed"), taken_over = f.add("Task", "completed"), hopeless = f.add("Task", "failed");
  const auto deleted = f.add("Task", "requested");
  const auto text = [](base::uuid id) { return id.to_string(); };
  f.commit({storage::put_row{storage::table::business_key, storage::keys::business_key(0, "dsfdev_ping|1.0", "lives"), "instance"},
            storage::put_row{storage::table::meta, undelivered_key(text(undelivered)), encode_text({})},
            storage::put_row{storage::table::meta, task_key(text(undelivered)), encode(task_position{3, 1})},
            storage::put_row{storage::table::meta, task_key(text(taken_over)), encode(task_position{3, 1})},
            storage::put_row{storage::table::meta, task_key(text(hopeless)), encode(task_position{3, given_up})},
            storage::delete_resource{"Task", deleted}});
  const auto at = f.updated("Task", completed);
  const retention_rules rules{.tasks = ten_days};
  retention_walks walks(*f.store, rules);
  f.clock.set({at.us + 10 * day_us - 1});
  CHECK(f.sweep(walks).all() == 0);
  f.clock.set({at.us + 10 * day_us});
  CHECK(f.sweep(walks).of(removal::tasks) == 1);
  CHECK_FALSE(f.has("Task", completed));
  CHECK(f.has("Task", failed));
  f.clock.advance_us(day_us);
  CHECK(f.sweep(walks).of(removal::tasks) == 4);
  for (const auto id : {failed, taken_over, hopeless, deleted}) CHECK_FALSE(f.has("Task", id));
  for (const auto id : {draft, requested, in_progress, of_live, undelivered}) CHECK(f.has("Task", id));
  const auto has_row = [&](base::uuid id) { return f.store->view()->row_value(storage::table::meta, task_key(text(id)))->has_value(); };
  CHECK_FALSE(has_row(taken_over));
  CHECK(has_row(hopeless));  // else it would be taken over again
  // What held them is gone; they were left, not forgotten.
  f.commit({storage::delete_row{storage::table::business_key, storage::keys::business_key(0, "dsfdev_ping|1.0", "lives")},
            storage::delete_row{storage::table::meta, undelivered_key(text(undelivered))}});
  CHECK(f.sweep(walks).of(removal::tasks) == 2);
  CHECK_FALSE(f.has("Task", of_live));
  CHECK_FALSE(f.has("Task", undelivered));
  CHECK(f.sweep(walks).all() == 0);
  for (const auto id : {draft, requested, in_progress}) CHECK(f.has("Task", id));
}

TEST_CASE("retention: a new version begins a new age; each type has its own rule, and none is removed without one") {
  fixture f;
  const auto binary = f.add("Binary", ""), open = f.add("QuestionnaireResponse", "in-progress"),
             done = f.add("QuestionnaireResponse", "completed"), task = f.add("Task", "completed");
  f.clock.advance_us(6 * day_us);
  f.commit({fixture::resource("Binary", binary, "")});
  f.clock.advance_us(6 * day_us);
  CHECK(f.sweep(retention_rules{}).looked_at == 0);
  CHECK(f.sweep({.binaries = ten_days}).all() == 0);
  CHECK(f.sweep({.questionnaire_responses = ten_days}).of(removal::questionnaire_responses) == 1);
  CHECK(f.has("QuestionnaireResponse", open));
  CHECK_FALSE(f.has("QuestionnaireResponse", done));
  f.clock.advance_us(6 * day_us);
  CHECK(f.sweep({.binaries = ten_days}).of(removal::binaries) == 1);
  CHECK_FALSE(f.has("Binary", binary));
  CHECK(f.store->view()->history("Binary", binary, 10)->empty());
  CHECK(f.has("Task", task));
}

TEST_CASE("retention: sweeps go on where the last one ended, and find what is due among much that is not") {
  fixture f;
  const retention_rules rules{.instances = ten_days, .instance_log = base::iso_duration{0, 20 * day_us}};
  retention_walks walks(*f.store, rules);
  std::vector<std::uint64_t> live;
  for (int i = 0; i < 500; ++i) i % 5 == 0 ? live.push_back(f.instance(true)) : (void)f.instance();
  CHECK(f.sweep(walks).all() == 0);
  f.clock.advance_us(11 * day_us);
  for (int i = 0; i < 1'500; ++i) f.instance();
  CHECK(f.sweep(walks).of(removal::instance_data) == 400);
  const auto looked_at = f.sweep(walks).looked_at;
  // The live ones by both rules, and the first young ones; not all 2,000 twice.
  CHECK(looked_at < 100 + 1'200 + 500 + 1'200);
  f.commit({storage::end_instance{live.front()}});
  // Commits while the clock stands take one microsecond more each.
  f.clock.advance_us(10 * day_us + base::us_per_s);
  const auto removed = f.sweep(walks);
  CHECK(removed.of(removal::instance_data) == 1'501);
  CHECK(removed.of(removal::instance_log) == 400);
  CHECK(f.known(live.front()));
  f.clock.advance_us(10 * day_us);
  CHECK(f.sweep(walks).of(removal::instance_log) == 1'501);
  CHECK(f.store->view()->instances(0, SIZE_MAX)->size() == live.size() - 1);
  for (std::size_t i = 1; i < live.size(); ++i) CHECK(f.has_key(live[i]));
}

TEST_CASE("retention: a sweep that fails in the middle leaves the rest to the next one, also to another program") {
  fixture f;
  std::vector<base::uuid> tasks;
  for (int i = 0; i < 600; ++i) tasks.push_back(f.add("Task", "completed"));
  f.clock.advance_us(11 * day_us);
  const retention_rules rules{.tasks = ten_days};
  retention_walks walks(*f.store, rules);
  walks.begin(f.clock.now());
  REQUIRE(walks.step());
  const auto first = walks.removed().of(removal::tasks);
  CHECK(first > 0);
  CHECK(first < tasks.size());
  // Power loss: what was answered stays removed.
  const auto after = f.rows->copy();
  REQUIRE(f.store->close());
  storage::store_options o;
  o.rows = after;
  o.clock = &f.clock;
  f.store = std::move(*storage::store::open(std::move(o)));
  CHECK(f.sweep(rules).of(removal::tasks) == tasks.size() - first);
  for (const auto id : tasks) CHECK_FALSE(f.has("Task", id));
}

TEST_CASE("retention: a sweep beside others that write takes nothing that is live or new") {
  fixture f;
  std::vector<base::uuid> old;
  for (int i = 0; i < 800; ++i) old.push_back(f.add("Task", "completed"));
  f.clock.advance_us(11 * day_us);
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> rewritten = 0;
  // Every second one gets a new version while the sweep is under way.
  std::thread writer([&] {
    for (std::size_t i = 1; i < old.size() && !stop; i += 2) {
      const auto stored = f.store->view()->current("Task", old[i]);
      if (!stored || !*stored) continue;
      storage::commit c;
      c.preconditions.emplace_back(storage::version_is{"Task", old[i], 1});
      c.operations.emplace_back(fixture::resource("Task", old[i], "completed"));
      if (f.store->submit_wait(std::move(c))) ++rewritten;
    }
  });
  const retention_rules rules{.tasks = ten_days};
  const auto removed = f.sweep(rules);
  stop = true;
  writer.join();
  std::size_t left = 0;
  for (const auto id : old) {
    const auto stored = *f.store->view()->current("Task", id);
    left += stored ? 1 : 0;
    if (stored) CHECK(stored->version == 2);
  }
  CHECK(left == rewritten);
  CHECK(removed.of(removal::tasks) == old.size() - left);
}

TEST_CASE("retention: the keeper sweeps by itself and on demand, and counts") {
  fixture f;
  for (int i = 0; i < 3; ++i) f.add("Task", "completed");
  f.clock.advance_us(11 * day_us);
  const base::logger log{f.clock, "test", base::log_level::off, base::null_log_sink()};
  retention_options o;
  o.store = f.store.get();
  o.log = &log;
  o.clock = &f.clock;
  o.rules = {.tasks = ten_days};
  o.interval_us = 20'000;
  const bool by_itself = GENERATE(true, false);
  o.first_us = by_itself ? 1'000 : 3'600 * base::us_per_s;
  retention_keeper keeper(std::move(o));
  f.store->on_commit([&](auto entries) { keeper.on_commit(entries); });
  if (by_itself) {
    for (int i = 0; i < 500 && keeper.status().sweeps < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(keeper.status().sweeps >= 2);
  } else {
    const auto dry = keeper.run(true);
    REQUIRE(dry);
    CHECK(dry->removed.of(removal::tasks) == 3);
    CHECK(keeper.status().sweeps == 0);
    f.rows->fail_writes(0);
    CHECK_FALSE(keeper.run(false));
    CHECK(keeper.status().failed == 1);
    CHECK_FALSE(keeper.status().last_error.empty());
    f.rows->heal();
    REQUIRE(f.store->reopen());
    REQUIRE(keeper.run(false));
  }
  keeper.stop();
  CHECK(keeper.status().total.of(removal::tasks) == 3);
  CHECK(keeper.status().last_error.empty());
  CHECK(f.store->view()->all_ids("Task", 10)->empty());
  REQUIRE(f.store->close());  // before the listener's end
}
