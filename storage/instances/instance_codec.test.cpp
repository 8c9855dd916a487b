// Round trips of everything that is stored of an instance. Faults these find: a field that the codec forgets, damage that is read as data.
#include "storage/instances/instance_codec.hpp"

#include <catch2/catch.hpp>

#include "bpmn/execution/testing/random_answers.hpp"
#include "bpmn/execution/testing/random_process.hpp"
#include "storage/errors.hpp"

using namespace dsf;
using namespace dsf::bpmn;

namespace {

storage::large_value_reader no_values() {
  return {"i", [](std::string_view) { return std::optional<std::string>{}; }};
}

}  // namespace

TEST_CASE("values of every kind come back as they were") {
  const std::vector<value> all = {{},
                                  true,
                                  std::int16_t{-3},
                                  std::int32_t{-70000},
                                  std::int64_t{1} << 40,
                                  0.1,
                                  decimal{"1.10"},
                                  std::string("\xff not UTF-8"),
                                  base::timestamp{-5},
                                  bytes{std::string("\0\1", 2)},
                                  value_list{value(1), value(), value("x")},
                                  value_map{{"b", value(1)}, {"a", value(value_list{})}},
                                  string_list{"a", ""},
                                  target{"o", "e", "u", "k"},
                                  targets{{{"o", "e", "u", ""}}},
                                  fhir_resource{"Task", "{}"},
                                  fhir_resource_list{{{"Task", "{}"}}},
                                  fhir_reference{"Task", "1", 7},
                                  json_object{"a.B", "{}"},
                                  opaque_object{"a.B", "x", "w"},
                                  plugin_typed{"s", "t", -9, "d"},
                                  blob_reference{"i", 9, "h"}};
  REQUIRE(all.size() == std::variant_size_v<value::storage>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    REQUIRE(all[i].tag() == i);
    const auto back = storage::decode_value(storage::encode_value(all[i]));
    REQUIRE(back);
    CHECK(*back == all[i]);
    CHECK(back->tag() == i);
  }
  // As deep as the engine lets values in.
  value deep("x");
  for (std::size_t i = 1; i < value_depth_limit; ++i) deep = value(value_map{{"k", deep}});
  REQUIRE_FALSE(nests_too_deep(deep));
  const auto back = storage::decode_value(storage::encode_value(deep));
  REQUIRE(back);
  CHECK(*back == deep);
}

TEST_CASE("events and states of random processes come back as they were") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    const auto models = read_bpmn(bpmn::testing::random_process(seed).xml(), "random.bpmn");
    REQUIRE(models);
    bpmn::testing::test_host host(models->front());
    host.on_step = [](bpmn::testing::test_host& h) {
      storage::large_values aside;
      auto none = no_values();
      const auto state = storage::decode_state(*storage::encode_state(h.state, aside), none);
      if (!state || !(*state == h.state)) h.broken += "the state does not come back\n";
    };
    base::seeded_entropy dice(seed);
    start_instance start;
    start.process_instance_id = "id";
    start.business_key = "bk";
    start.start_event = host.model->starts.front();
    start.task = received_task{{"Task", "start", 2}};
    REQUIRE(host.perform(std::move(start)));
    for (int i = 0; i < 20'000 && !host.ended; ++i) REQUIRE(bpmn::testing::answer_something(host, dice));
    REQUIRE(host.broken == "");
    const event_batch batch{7, host.now, "timer", "sha", current_applier_version, host.events};
    storage::large_values aside;
    auto none = no_values();
    const auto back = storage::decode_batch(*storage::encode_batch(batch, aside), none);
    REQUIRE(back);
    REQUIRE(*back == batch);
    REQUIRE(aside.references() == 0);
  }
}

TEST_CASE("damaged and newer bytes are refused with a sentence") {
  storage::large_values aside;
  auto none = no_values();
  const auto good = *storage::encode_batch({1, {5}, "c", "s", 1, {event{events::execution_removed{4}}}}, aside);
  CHECK(storage::decode_batch("", none).error().is(storage::errc::damaged));
  CHECK(storage::decode_batch(good.substr(0, good.size() - 1), none).error().is(storage::errc::damaged));
  auto newer = good;
  newer[0] = storage::text_referring_instance_format + 1;
  CHECK(storage::decode_batch(newer, none).error().is(storage::errc::newer_format));
  CHECK(storage::decode_batch(*storage::encode_batch({1, {5}, "c", "s", 2, {}}, aside), none).error().is(storage::errc::newer_format));
}
