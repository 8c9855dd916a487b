// Random commits, power losses at random points: what was acknowledged is there, nothing is half there, and the index is that of the resources.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <set>

#include "base/json.hpp"
#include "storage/id_cipher.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using namespace dsf::storage;
using namespace dsf::storage::test;

namespace {

struct expected_resource {
  std::uint64_t version = 0;
  bool deleted = false;
  std::vector<fhir::index_entry> index;
  std::vector<fhir::unique_key> unique;
};

// What the store must hold, kept beside it by the simplest means.
struct model {
  std::map<base::uuid, expected_resource> resources;
  std::map<std::uint64_t, std::vector<std::string>> instances;
  std::map<std::string, std::string> rows;
  std::size_t inbox = 0;
  bool operator==(const model&) const = default;
};
bool operator==(const expected_resource& a, const expected_resource& b) {
  return a.version == b.version && a.deleted == b.deleted && a.index == b.index && a.unique == b.unique;
}

commit random_commit(base::seeded_entropy& random, model& m) {
  commit c;
  for (auto n = 1 + random.below(4); n > 0; --n) {
    const auto key = id(random.below(30));
    auto& r = m.resources[key];
    switch (random.below(6)) {
      case 0:
      case 1: {
        std::set<fhir::index_entry> index;
        for (auto k = random.below(5); k > 0; --k)
          index.insert({random.below(2) == 0 ? "code" : "date", std::string(1, static_cast<char>('a' + random.below(6)))});
        std::vector<fhir::unique_key> unique;
        if (random.below(2) == 0) unique.push_back({"rule", key.to_string() + std::to_string(random.below(2))});
        // Longer ones are sealed, and a second version then waits for the first: these commits wait for none.
        c.operations.emplace_back(task(key, {index.begin(), index.end()}, unique, std::string(random.below(3'900), 'x')));
        r = {r.version + 1, false, {index.begin(), index.end()}, unique};
        break;
      }
      case 2:
        if (r.version == 0 || r.deleted) break;
        c.operations.emplace_back(delete_resource{"Task", key});
        r = {r.version + 1, true, {}, {}};
        break;
      case 3: {
        const auto number = 1 + random.below(10);
        auto& events = m.instances[number];
        c.preconditions.emplace_back(instance_at{number, events.size()});
        append_events op{number, events.size() + 1, {std::to_string(random.u64())}, std::nullopt};
        if (random.below(3) == 0) op.snapshot = "snapshot";
        events.push_back(op.events[0]);
        // The precondition speaks of the state before the commit, so an instance takes part once.
        c.operations.emplace_back(std::move(op));
        n = 1;
        break;
      }
      case 4: {
        const auto name = std::to_string(random.below(40));
        c.operations.emplace_back(put_row{table::timer, name, name});
        m.rows[name] = name;
        break;
      }
      default: {
        const auto name = std::to_string(random.below(40));
        c.operations.emplace_back(delete_row{table::timer, name});
        m.rows.erase(name);
        c.operations.emplace_back(put_inbox{"x"});
        ++m.inbox;
      }
    }
    if (r.version == 0) m.resources.erase(key);
  }
  if (c.operations.empty()) {
    c.operations.emplace_back(put_row{table::timer, "0", "0"});
    m.rows["0"] = "0";
  }
  return c;
}

model read_model(const store_view& v) {
  model m;
  for (std::uint64_t n = 0; n < 30; ++n) {
    const auto current = v.current("Task", id(n)).value();
    if (!current) continue;
    expected_resource r{current->version, current->deleted, {}, {}};
    const auto history = v.history("Task", id(n), 10'000).value();
    REQUIRE(history.size() == current->version);
    for (std::size_t i = 0; i < history.size(); ++i) {
      REQUIRE(history[i].version == i + 1);
      if (i > 0) REQUIRE(history[i - 1].last_updated < history[i].last_updated);
      if (history[i].deleted) continue;
      const auto body = base::json::parse(*history[i].bytes).value();
      REQUIRE(body["meta"]["versionId"].str() == std::to_string(i + 1));
    }
    m.resources[id(n)] = r;
  }
  // The index, read back through searches.
  for (const char* parameter : {"code", "date"})
    for (char c = 'a'; c < 'g'; ++c) {
      const auto ids = v.ids_in("Task", parameter, std::string(1, c), std::string(1, static_cast<char>(c + 1)), 1'000).value();
      for (const auto& found : ids) m.resources.at(found).index.push_back({parameter, std::string(1, c)});
    }
  for (auto& [key, r] : m.resources)
    for (const char* k : {"0", "1"})
      if (const auto owner = v.unique_owner("rule", key.to_string() + k).value()) {
        REQUIRE(*owner == key);
        r.unique.push_back({"rule", key.to_string() + k});
      }
  std::set<base::uuid> alive;
  for (const auto& [key, r] : m.resources)
    if (!r.deleted) alive.insert(key);
  const auto all = v.all_ids("Task", 1'000).value();
  REQUIRE(std::set<base::uuid>(all.begin(), all.end()) == alive);
  const auto instances = v.instances(0, 1'000).value();
  for (const auto& i : instances) {
    const auto events = v.instance_events(i.instance).value();
    for (const auto& e : events) m.instances[i.instance].push_back(e.bytes);
  }
  const auto timers = v.rows(table::timer, {}, 1'000).value();
  for (const auto& r : timers) m.rows[r.key] = r.value;
  m.inbox = v.rows(table::inbox, {}, 100'000)->size();
  return m;
}

void run(std::uint64_t seed) {
  INFO("seed " << seed << " (DSF_SEED=" << seed << " repeats it)");
  base::seeded_entropy random(seed);
  const auto rows = memory_kv::create();
  model now;
  std::uint64_t last_sequence = 0;
  for (int life = 0; life < 6; ++life) {
    store_limits limits;
    limits.row_cache_bytes = random.below(2) == 0 ? 2'000 : 1 << 20;
    limits.group_commits = 1 + random.below(20);
    const auto s = open_memory(rows, &base::system_clock_source(), limits);
    REQUIRE(s->view()->sequence() == last_sequence);
    // The state after each commit that was sent, by sequence; the state that is found must be the one of the last sequence.
    std::map<std::uint64_t, model> after{{last_sequence, now}};
    std::atomic<std::uint64_t> acknowledged = last_sequence;
    const auto commits = 1 + random.below(60);
    if (random.below(2) == 0) rows->fail_writes(random.below(10), random.below(2) == 0);
    std::uint64_t sequence = last_sequence;
    for (std::uint64_t i = 0; i < commits; ++i) {
      auto c = random_commit(random, now);
      // The protobuf form is the same commit.
      if (i % 8 == 0) REQUIRE(commit_from_protobuf(to_protobuf(c)).value() == c);
      after[++sequence] = now;
      s->submit(std::move(c), [&, sequence](result<receipt> r) {
        if (!r) return;
        if (r->sequence == sequence)
          acknowledged = sequence;
        else
          std::abort();
      });
    }
    (void)s->close();
    rows->heal();
    rows->lose_unsynced();
    const auto again = open_memory(rows);
    const auto found = again->view();
    REQUIRE(found->sequence() >= acknowledged);
    REQUIRE(after.contains(found->sequence()));
    now = after.at(found->sequence());
    for (auto at = now.instances.begin(); at != now.instances.end();) at = at->second.empty() ? now.instances.erase(at) : std::next(at);
    REQUIRE(read_model(*found) == now);
    REQUIRE(found->read_feed(0, 100'000)->size() == found->sequence());
    last_sequence = found->sequence();
  }
}

}  // namespace

TEST_CASE("crash: acknowledged commits survive power losses, whole, with a true index") {
  if (const char* given = std::getenv("DSF_SEED")) return run(std::strtoull(given, nullptr, 10));
  const auto start = base::system_entropy().u64();
  WARN("seeds " << start << " to " << start + 24);
  for (std::uint64_t i = 0; i < 25; ++i) run(start + i);
}

TEST_CASE("ids: the cipher is a permutation that knows its own") {
  // The reference vector of SipHash-2-4: key 00..0f, data 00..0e.
  std::string data;
  for (char c = 0; c < 15; ++c) data += c;
  CHECK(siphash24({0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}, data) == 0xa129ca6149be45e5ULL);
  const id_cipher cipher({1, 2}), other({1, 3});
  base::seeded_entropy random(7);
  std::set<base::uuid> seen;
  for (int i = 0; i < 10'000; ++i) {
    const id_cipher::plain p{i % 2 == 0 ? static_cast<std::uint64_t>(i) : random.u64(), static_cast<std::uint32_t>(random.u64())};
    const auto outside = cipher.encrypt(p);
    REQUIRE(cipher.decrypt(outside) == p);
    REQUIRE((outside.bytes[6] >> 4) == 8);
    REQUIRE((outside.bytes[8] >> 6) == 2);
    REQUIRE(seen.insert(outside).second);
    REQUIRE_FALSE(other.decrypt(outside));
  }
}
