// A field that the conversion forgets would be lost between the engine and a worker: everything is set, and must come back.
#include <catch2/catch.hpp>

#include "plugins/worker_codec.hpp"
#include "proto/worker.pb.h"

using namespace dsf;
using namespace dsf::plugins;

namespace {

std::vector<bpmn::value> all_values() {
  return {bpmn::value(),
          true,
          std::int16_t{-3},
          std::int32_t{70'000},
          std::int64_t{1} << 40,
          0.25,
          bpmn::decimal{"1.10"},
          "text",
          base::timestamp{5},
          bpmn::bytes{std::string("\0\xff", 2)},
          bpmn::value_list{bpmn::value("a"), bpmn::value()},
          bpmn::value_map{{"k", bpmn::value(std::int32_t{1})}},
          bpmn::string_list{"x", "y"},
          bpmn::target{"o", "e", "u", "c"},
          bpmn::targets{{{"o", "e", "u", "c"}, {"o2", "e2", "u2", ""}}},
          bpmn::fhir_resource{"Task", R"({"resourceType":"Task"})"},
          bpmn::fhir_resource_list{{{"Patient", "{}"}}},
          bpmn::fhir_reference{"Task", "id", 7},
          bpmn::json_object{"Class", "{}"},
          bpmn::opaque_object{"Class", "data", "owner"},
          bpmn::plugin_typed{"s", "t", -5, "d"},
          bpmn::blob_reference{"id", 9, "hash"}};
}

bpmn::outgoing_message message() {
  return {{"o", "e", "u", "c"}, "canonical", "name", "profile", "key", {"{}", "[]"}, "PT5M", {{"t1", {"{}"}, "failed", "reason", true}}};
}

}  // namespace

TEST_CASE("every field of an activation comes back") {
  activation a;
  a.call = bpmn::handler_call::task_listener;
  a.event = "create";
  a.class_name = "c";
  a.process_key = "k";
  a.version_tag = "1.0";
  a.instance_id = "i";
  a.business_key = "b";
  a.activity_id = "act";
  a.activity_instance_id = "ai";
  int n = 0;
  for (auto& v : all_values()) {
    a.fields.emplace_back("f" + std::to_string(n), v);
    a.variables.emplace_back("v" + std::to_string(n++), v);
  }
  const auto task = [](std::string id) {
    return task_document{id, 3, std::make_shared<const base::json>(*base::json::parse(R"({"resourceType":"Task","id":")" + id + "\"}"))};
  };
  a.start_task = task("s");
  a.latest_task = task("l");
  a.current_tasks = {task("s"), task("l")};
  a.attempt = 4;
  a.deadline = {99};
  a.idempotency_key = "i/1";
  const auto back = decode_activation(encode_activation(a));
  REQUIRE(back);
  CHECK(back->call == a.call);
  CHECK(std::tie(back->event, back->class_name, back->process_key, back->version_tag, back->instance_id, back->business_key,
                 back->activity_id, back->activity_instance_id, back->attempt, back->deadline,
                 back->idempotency_key) == std::tie(a.event, a.class_name, a.process_key, a.version_tag, a.instance_id, a.business_key,
                                                    a.activity_id, a.activity_instance_id, a.attempt, a.deadline, a.idempotency_key));
  CHECK(back->fields == a.fields);
  CHECK(back->variables == a.variables);
  REQUIRE(back->start_task);
  REQUIRE(back->latest_task);
  REQUIRE(back->current_tasks.size() == 2);
  CHECK(*back->latest_task->content == *a.latest_task->content);
  CHECK(back->start_task->version == 3);
  CHECK(back->current_tasks[1].id == "l");
}

TEST_CASE("every kind of outcome comes back, with all its fields") {
  std::vector<bpmn::variable_change> changes;
  for (auto& v : all_values()) changes.push_back({bpmn::variable_change::scope::local, "n", v, false});
  changes.push_back({bpmn::variable_change::scope::instance, "gone", {}, true});
  const std::vector<bpmn::task_change> tasks{{"t", {"{}", "[]"}, "failed", "why", true}};
  {
    const auto back = decode_outcome(encode_outcome(completed{changes, tasks, {message(), message()}}));
    REQUIRE(back);
    const auto& c = std::get<completed>(*back);
    CHECK(c.variables == changes);
    CHECK(c.tasks == tasks);
    REQUIRE(c.messages.size() == 2);
    CHECK(c.messages[1] == message());
  }
  {
    const auto back = decode_outcome(encode_outcome(bpmn_error{"code", "text", changes, tasks}));
    const auto& e = std::get<bpmn_error>(*back);
    CHECK(e.code == "code");
    CHECK(e.message == "text");
    CHECK(e.variables == changes);
    CHECK(e.tasks == tasks);
  }
  const auto f = decode_outcome(encode_outcome(failed{"x", false}));
  CHECK(std::get<failed>(*f).error == "x");
  CHECK_FALSE(std::get<failed>(*f).retryable);
  CHECK(std::get<end_instance>(*decode_outcome(encode_outcome(end_instance{"r"}))).reason == "r");
  CHECK_FALSE(decode_outcome("\xff\xff"));
  CHECK_FALSE(decode_outcome(""));
}

TEST_CASE("a worker's reference to a row of the store is refused, not taken for null") {
  worker::v1::Outcome o;
  auto& change = *o.mutable_completed()->add_variables();
  change.set_name("v");
  CHECK(decode_outcome(o.SerializeAsString()));
  change.mutable_new_value()->mutable_list()->add_entries()->mutable_large()->set_size(5'000);
  const auto refused = decode_outcome(o.SerializeAsString());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().place() == "v");
  worker::v1::Activation a;
  a.add_variables()->mutable_value()->mutable_large()->set_size(5'000);
  CHECK_FALSE(decode_activation(a.SerializeAsString()));
}
