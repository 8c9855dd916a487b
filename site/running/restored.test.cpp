// Would find: a store that goes on by itself after a restore, a list that leaves something out, and a partner's answer read the wrong way round.
#include "site/running/restored.hpp"

#include <catch2/catch.hpp>

#include "actors/definitions.hpp"
#include "actors/inbox.hpp"
#include "storage/backup/backup.hpp"
#include "storage/keys.hpp"
#include "storage/memory_kv.hpp"
#include "storage/store.hpp"

using namespace dsf;
using namespace dsf::site;

namespace {

// Knows which outbox identifiers have arrived; one partner never answers.
struct partners final : net::transport {
  void send(net::client_request r, std::int64_t, net::client_callback done) override {
    asked.push_back(r.url);
    if (r.url.starts_with("https://away.example")) return done(net::fail(net::errc::connection_refused, "connection refused"));
    net::client_response answer;
    answer.status = 200;
    answer.body = R"({"resourceType":"Bundle","type":"searchset","total":)" + std::string(r.url.ends_with("arrived") ? "1" : "0") + "}";
    done(std::move(answer));
  }
  std::vector<std::string> asked;
};

struct restored_store {
  base::manual_clock clock;
  std::unique_ptr<storage::store> store;
  actors::definitions processes;
  actors::engine_context context;
  partners others;

  restored_store() {
    storage::store_options o;
    o.rows = storage::memory_kv::create();
    o.clock = &clock;
    store = *storage::store::open(std::move(o));
    context.store = store.get();
    context.processes = &processes;
    context.clock = &clock;
  }
  void put(storage::table in, std::string key, std::string value) {
    storage::commit c;
    c.operations.push_back(storage::put_row{in, std::move(key), std::move(value)});
    REQUIRE(store->submit_wait(std::move(c)));
  }
  void message(std::uint32_t number, const std::string& url, const std::string& identifier) {
    actors::outbox_entry e;
    e.instance = 7;
    e.message = number;
    e.outbox_id = identifier;
    e.organization = "partner";
    e.endpoint_url = url;
    e.process = "test_ask|1.0";
    e.business_key = "k" + std::to_string(number);
    e.message_name = "question";
    put(storage::table::outbox, storage::keys::outbox(url, actors::outbox_number(7, number)), actors::encode_outbox(e));
  }
  restored_overview look(std::size_t limit = 100) {
    auto seen = what_would_go_on(context, others, limit, 1'000);
    REQUIRE(seen);
    return *seen;
  }
};

}  // namespace

TEST_CASE("restored: of each message the list says whether its receiver has it; a silent partner is asked once") {
  restored_store s;
  s.message(1, "https://b.example/fhir", "arrived");
  s.message(2, "https://b.example/fhir", "lost");
  for (std::uint32_t i = 3; i < 40; ++i) s.message(i, "https://away.example/fhir", "x");
  s.put(storage::table::meta, std::string(storage::restored_row), "2026-11-22T03:00:00Z");
  const auto seen = s.look();
  CHECK(seen.backup_taken == "2026-11-22T03:00:00Z");
  CHECK(seen.messages == 39);
  REQUIRE(seen.lines.size() == 39);
  std::size_t unknown = 0;
  for (const auto& l : seen.lines) {
    CHECK(l.kind == "message");
    if (l.business_key == "k1") CHECK(l.there == "yes");
    if (l.business_key == "k2") CHECK(l.there == "no");
    if (l.there.starts_with("unknown: ")) ++unknown;
  }
  CHECK(unknown == 37);
  CHECK(std::ranges::count_if(s.others.asked, [](const auto& url) { return url.starts_with("https://away"); }) <= 16);
  CHECK(s.others.asked.front().find("identifier=https%3A%2F%2Fdsfd.invalid%2Fsid%2Foutbox-entry%7C") != std::string::npos);
}

TEST_CASE("restored: more than the limit is counted, not listed; Tasks that wait stand in it") {
  restored_store s;
  for (std::uint32_t i = 1; i < 9; ++i) s.message(i, "https://b.example/fhir", "lost");
  storage::commit c;
  c.operations.push_back(storage::put_inbox{actors::encode_inbox({actors::inbox_kind::signal, "stop"})});
  REQUIRE(s.store->submit_wait(std::move(c)));
  const auto seen = s.look(3);
  CHECK(seen.messages == 8);
  CHECK(seen.tasks == 1);
  REQUIRE(seen.lines.size() == 4);
  CHECK(seen.lines.back().kind == "signal");
  CHECK(seen.lines.back().what == "stop");
}

TEST_CASE("restored: releasing is durable and done once") {
  restored_store s;
  CHECK(held_since_backup(*s.store->view()).value().empty());
  s.put(storage::table::meta, std::string(storage::restored_row), "2026-11-22T03:00:00Z");
  CHECK(held_since_backup(*s.store->view()).value() == "2026-11-22T03:00:00Z");
  REQUIRE(release_held(*s.store));
  CHECK(held_since_backup(*s.store->view()).value().empty());
}
