// Values that are rows of their own. Faults these find: a limit that is off by one, a large value that stays in the event, a row that is not put or
// put twice, a row that is gone or wrong and is read as null, events of earlier releases that are not read any more.
#include "storage/instances/large_values.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "base/bytes.hpp"
#include "bpmn/execution/testing/random_answers.hpp"
#include "bpmn/execution/testing/random_process.hpp"
#include "proto/event.pb.h"
#include "storage/errors.hpp"
#include "storage/instances/instance_codec.hpp"

using namespace dsf;
using namespace dsf::bpmn;

namespace {

// Rows of V.
struct value_rows {
  std::map<std::string, std::string> rows;
  int reads = 0;
  int double_puts = 0;

  void put(storage::large_values& aside) {
    for (auto& v : aside.take_to_put()) double_puts += !rows.emplace(v.sha256, v.bytes).second;
  }
  storage::large_value_reader reader() {
    return {"inst-7", [this](std::string_view sha256) -> base::result<std::optional<std::string>> {
              ++reads;
              const auto at = rows.find(std::string(sha256));
              if (at == rows.end()) return std::nullopt;
              return at->second;
            }};
  }
};

event_batch writes(std::vector<value> contents) {
  events::variables_written e{1, {}};
  for (auto& v : contents) e.writes.push_back({"v" + std::to_string(e.writes.size()), std::move(v), false});
  return {1, {5}, "c", "s", 1, {event{std::move(e)}}};
}

// A text whose Value is encoded in that many bytes: above 127 bytes of text, a tag, two or three bytes of length and the text.
value text_of(std::size_t encoded, char fill = 'x') { return std::string(encoded - (encoded > 16'386 ? 4 : 3), fill); }

}  // namespace

TEST_CASE("a value above 4,096 encoded bytes is a row of its own, one of 4,096 is not") {
  for (const std::size_t size : {4'095u, 4'096u, 4'097u, 1u << 20}) {
    CAPTURE(size);
    const auto batch = writes({text_of(size), value(1)});
    REQUIRE(storage::encode_value(text_of(size)).size() == size + 1);
    storage::large_values aside;
    const auto bytes = storage::encode_batch(batch, aside);
    REQUIRE(bytes);
    const bool large = size > 4'096;
    CHECK(aside.references() == (large ? 1 : 0));
    CHECK(aside.referred_bytes() == (large ? size : 0));
    CHECK(bytes->front() == (large ? storage::referring_instance_format : storage::plain_instance_format));
    if (large) {
      CHECK(bytes->size() < 200);
      REQUIRE(aside.to_put().size() == 1);
      CHECK(aside.to_put().front().bytes.size() == size);
      CHECK(aside.to_put().front().sha256.size() == 32);
    }
    value_rows rows;
    rows.put(aside);
    auto reader = rows.reader();
    const auto back = storage::decode_batch(*bytes, reader);
    REQUIRE(back);
    CHECK(*back == batch);
    CHECK(rows.reads == (large ? 1 : 0));
    CHECK(reader.referred_bytes() == (large ? size : 0));
    // As dsfctl log show sees it: without any row.
    const auto outline = storage::decode_batch_outline(*bytes);
    REQUIRE(outline);
    const auto& shown = std::get<events::variables_written>(outline->events.front().what).writes;
    CHECK(shown[1].content.get() == value(1));
    if (large)
      CHECK(shown[0].content.get() == value(blob_reference{{}, size, base::to_hex(rows.rows.begin()->first)}));
    else
      CHECK(shown[0].content.get() == text_of(size));
  }
}

TEST_CASE("the row's key is the SHA-256 of its content") {
  storage::large_values aside;
  REQUIRE(storage::encode_batch(writes({std::string(5'000, 'a')}), aside));
  // sha256sum of 0x42 0x88 0x27 and 5,000 times 'a'
  CHECK(base::to_hex(aside.to_put().front().sha256) == "ff6c7b75561a639248d2a3809a50cda72afbc06173cec3ca0f0bbd60a78b6cdf");
}

TEST_CASE("only the whole of a variable moves out, lists and maps too, wherever variables stand") {
  const value list(value_list{text_of(3'000), text_of(3'000)});
  const value map(value_map{{"a", value(value_list{text_of(9'000)})}});
  instance_state state;
  execution root;
  root.id = 1;
  root.variables = {{"list", list}, {"map", map}, {"small", value(1)}};
  REQUIRE(state.executions.insert(root));
  const event_batch created{1, {5}, "c", "s", 1, {event{events::execution_created{2, 1, true, false, false, 0, 0, 0, {{"list", list}}}}}};

  value_rows rows;
  storage::large_values aside;
  const auto snapshot = storage::encode_state(state, aside);
  const auto row = storage::encode_batch(created, aside);
  REQUIRE(snapshot);
  REQUIRE(row);
  CHECK(aside.references() == 3);
  CHECK(aside.to_put().size() == 2);  // state and event share the list's
  CHECK(snapshot->size() + row->size() < 500);
  rows.put(aside);
  auto reader = rows.reader();
  CHECK(*storage::decode_state(*snapshot, reader) == state);
  CHECK(*storage::decode_batch(*row, reader) == created);
  CHECK(rows.reads == 2);
}

TEST_CASE("the same value is put once, and not at all if its row is known") {
  storage::stored_values known;
  storage::large_values first(&known);
  REQUIRE(storage::encode_batch(writes({text_of(5'000), text_of(5'000), text_of(5'000, 'y')}), first));
  CHECK(first.references() == 3);
  REQUIRE(first.to_put().size() == 2);
  for (const auto& v : first.take_to_put()) known.add(v.sha256);
  storage::large_values second(&known);
  REQUIRE(storage::encode_batch(writes({text_of(5'000)}), second));
  CHECK(second.references() == 1);
  CHECK(second.to_put().empty());
  // Bounded, whatever a process does.
  for (std::size_t i = 0; i < 3 * storage::stored_values::limit; ++i) known.add(std::to_string(i));
  CHECK(known.size() <= storage::stored_values::limit);
}

TEST_CASE("a row that is missing or is not the one referred to is damage, named by instance and hash") {
  storage::large_values aside;
  const auto bytes = *storage::encode_batch(writes({text_of(5'000)}), aside);
  value_rows rows;
  rows.put(aside);
  const auto sha256 = rows.rows.begin()->first;
  const auto refused = [&](std::string_view why) {
    auto reader = rows.reader();
    const auto back = storage::decode_batch(bytes, reader);
    REQUIRE_FALSE(back);
    INFO(back.error().to_string());
    CHECK(back.error().is(storage::errc::damaged));
    CHECK(back.error().text().find(base::to_hex(sha256)) != std::string::npos);
    CHECK(back.error().text().find("inst-7") != std::string::npos);
    CHECK(back.error().text().find(why) != std::string::npos);
  };
  SECTION("gone") {
    rows.rows.clear();
    refused("is missing");
  }
  SECTION("one bit is another") {
    rows.rows.begin()->second.back() ^= 1;
    refused("is not what its hash says");
  }
  SECTION("cut off") {
    rows.rows.begin()->second.pop_back();
    refused("is not what its hash says");
  }
  SECTION("the store could not read it") {
    storage::large_value_reader reader("inst-7", [](std::string_view) -> base::result<std::optional<std::string>> {
      return base::fail(storage::errc::io, "the disk is gone");
    });
    const auto back = storage::decode_batch(bytes, reader);
    REQUIRE_FALSE(back);
    CHECK(back.error().is(storage::errc::io));
  }
}

TEST_CASE("a reference inside a list, or in a value of its own, is damage") {
  pb::EventBatch m;
  m.set_applier_version(1);
  auto* content = m.add_events()->mutable_variables_written()->add_writes()->mutable_content();
  content->mutable_list()->add_entries()->mutable_large()->set_sha256(std::string(32, 'h'));
  value_rows rows;
  auto reader = rows.reader();
  CHECK(storage::decode_batch('\2' + m.SerializeAsString(), reader).error().is(storage::errc::damaged));
  CHECK(storage::decode_value('\1' + content->list().entries(0).SerializeAsString()).error().is(storage::errc::damaged));
  CHECK(rows.reads == 0);
}

TEST_CASE("rows of releases without references, with values of any size in them, are read for ever") {
  const std::string big(1 << 20, 'b');
  pb::EventBatch batch;
  batch.set_first_number(7);
  batch.set_applier_version(1);
  auto* w = batch.add_events()->mutable_variables_written();
  w->set_execution(1);
  w->add_writes()->set_name("v");
  w->mutable_writes(0)->mutable_content()->set_text(big);
  pb::InstanceState state;
  auto* e = state.add_executions();
  e->set_id(1);
  e->add_variables()->set_name("v");
  e->mutable_variables(0)->mutable_content()->set_text(big);

  value_rows rows;
  auto reader = rows.reader();
  const auto events = storage::decode_batch('\1' + batch.SerializeAsString(), reader);
  REQUIRE(events);
  CHECK(std::get<events::variables_written>(events->events.front().what).writes.front().content.get() == value(big));
  const auto snapshot = storage::decode_state('\1' + state.SerializeAsString(), reader);
  REQUIRE(snapshot);
  CHECK(snapshot->executions.find(1)->variables.front().content.get() == value(big));
  CHECK(rows.reads == 0);
  // The next snapshot brings the row along.
  storage::large_values aside;
  REQUIRE(storage::encode_state(*snapshot, aside));
  CHECK(aside.to_put().size() == 1);
}

TEST_CASE("what is stored of random processes with values of all sizes replays to the same state, from any snapshot") {
  std::size_t large = 0;
  std::size_t small = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    const auto models = read_bpmn(bpmn::testing::random_process(seed).xml(), "random.bpmn");
    REQUIRE(models);
    bpmn::testing::test_host host(models->front());
    base::seeded_entropy dice(seed);
    start_instance start;
    start.process_instance_id = "id";
    start.start_event = host.model->starts.front();
    REQUIRE(host.perform(std::move(start)));
    for (int i = 0; i < 20'000 && !host.ended; ++i) REQUIRE(bpmn::testing::answer_something(host, dice));

    value_rows rows;
    storage::stored_values known;
    instance_state state;
    std::vector<std::string> batches;
    std::vector<std::string> snapshots;  // after as many batches
    for (auto& e : host.events) {
      if (auto* written = std::get_if<events::variables_written>(&e.what))
        for (auto& w : written->writes)
          if (!w.removed) w.content = text_of(4'000 + dice.below(200), static_cast<char>('a' + dice.below(2)));
      storage::large_values aside(&known);
      REQUIRE(apply(*host.model, state, e));
      batches.push_back(*storage::encode_batch({batches.size() + 1, {5}, "c", "s", 1, {e}}, aside));
      if (std::holds_alternative<events::variables_written>(e.what)) ++(aside.references() > 0 ? large : small);
      snapshots.push_back(*storage::encode_state(state, aside));
      for (const auto& v : aside.to_put()) known.add(v.sha256);
      rows.put(aside);
    }
    CHECK(rows.double_puts == 0);
    const auto at = dice.below(batches.size());
    for (const auto from : {std::size_t{0}, static_cast<std::size_t>(at), batches.size()}) {
      CAPTURE(from);
      auto reader = rows.reader();
      instance_state replayed;
      if (from > 0) replayed = *storage::decode_state(snapshots[from - 1], reader);
      for (std::size_t i = from; i < batches.size(); ++i) {
        const auto batch = storage::decode_batch(batches[i], reader);
        REQUIRE(batch);
        for (const auto& e : batch->events) REQUIRE(apply(*host.model, replayed, e));
      }
      REQUIRE(replayed == state);
    }
  }
  CHECK(large > 100);
  CHECK(small > 100);
}
