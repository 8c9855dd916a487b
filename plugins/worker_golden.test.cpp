// Workers in other languages read and write what this converter writes and reads. workers/golden/ holds an activation and an outcome with every
// kind of value, byte for byte; workers/python tests its own converter against the same files. DSF_WRITE_GOLDEN=1 writes them anew.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/bytes.hpp"
#include "plugins/worker_codec.hpp"

namespace dsf::plugins {
namespace {

std::vector<std::pair<std::string, bpmn::value>> values() {
  return {{"null", {}},
          {"boolean", true},
          {"short", std::int16_t{-3}},
          {"int", std::int32_t{-70'000}},
          {"long", std::int64_t{5}},
          {"double", 0.25},
          {"decimal", bpmn::decimal{"1.10"}},
          {"text",
           "Gr\xc3\xbc\xc3\x9f"
           "e"},
          {"odd text", std::string("\xff\x00", 2)},
          {"time", base::timestamp{1'763'850'000'123'456}},
          {"bytes", bpmn::bytes{std::string("\0\xff", 2)}},
          {"list", bpmn::value_list{bpmn::value("a"), bpmn::value(), bpmn::value(bpmn::value_list{})}},
          {"map", bpmn::value_map{{"b", bpmn::value(std::int32_t{1})}, {"a", bpmn::value(true)}}},
          {"map like a resource", bpmn::value_map{{"resourceType", bpmn::value("Task")}}},
          {"strings", bpmn::string_list{"x", ""}},
          {"target", bpmn::target{"o", "e", "u", "c"}},
          {"targets", bpmn::targets{{{"o", "e", "u", "c"}, {"o2", "e2", "u2", ""}}}},
          {"no targets", bpmn::targets{}},
          {"resource", bpmn::fhir_resource{"Observation", R"({"resourceType":"Observation","valueQuantity":{"value":1.50}})"}},
          {"resources", bpmn::fhir_resource_list{{{"Patient", R"({"resourceType":"Patient"})"}}}},
          {"reference", bpmn::fhir_reference{"Task", "id", 7}},
          {"json", bpmn::json_object{"org.example.Size", R"({"width":2,"unit":null})"}},
          {"opaque", bpmn::opaque_object{"Class", "data", "owner"}},
          {"typed", bpmn::plugin_typed{"s", "t", -5, "d"}},
          {"blob", bpmn::blob_reference{"id", 9, "hash"}}};
}

activation sample() {
  activation a;
  a.call = bpmn::handler_call::message_throw;
  a.event = "send_error";
  a.class_name = "org.example.Send";
  a.process_key = "exampleorg_golden";
  a.version_tag = "1.0";
  a.instance_id = "6a1c9b2e-0000-4000-8000-000000000001";
  a.business_key = "business key";
  a.activity_id = "Send";
  a.activity_instance_id = "6a1c9b2e-0000-4000-8000-000000000002";
  a.fields = {{"error", "HTTP 403"}, {"http_status", std::int32_t{403}}};
  a.variables = values();
  a.variables.emplace_back("text", "of a scope further out");
  const auto task = [](std::string id, std::uint64_t version) {
    return task_document{id, version,
                         std::make_shared<const base::json>(*base::json::parse(R"({"resourceType":"Task","id":")" + id + "\"}"))};
  };
  a.start_task = task("start", 2);
  a.latest_task = task("latest", 3);
  a.current_tasks = {task("start", 2), task("latest", 3)};
  a.attempt = 4;
  a.deadline = {1'763'850'600'000'000};
  a.idempotency_key = "instance/17";
  return a;
}

outcome sample_outcome() {
  completed c;
  for (auto& [name, v] : values()) c.variables.push_back({bpmn::variable_change::scope::local, name, v, false});
  c.variables.push_back({bpmn::variable_change::scope::instance, "gone", {}, true});
  c.tasks = {{"t", {R"({"valueString":"x"})"}, "failed", "why", true}};
  c.messages = {{{"o", "e", "u", "c"},
                 "canonical|1.0",
                 "name",
                 "profile|1.0",
                 "key",
                 {R"({"valueInteger":1})"},
                 "PT5M",
                 {{"t1", {"{}"}, "", "", false}}}};
  return c;
}

void compare(const std::string& name, const std::string& bytes) {
  const auto path = std::string(DSF_SOURCE_DIR) + "/workers/golden/" + name + ".hex";
  std::string hex;
  for (std::size_t at = 0; at < bytes.size(); at += 60) hex += base::to_hex(std::string_view(bytes).substr(at, 60)) + "\n";
  if (std::getenv("DSF_WRITE_GOLDEN")) {
    std::ofstream out{path};
    out << hex;
    REQUIRE(out.flush());
  }
  std::ifstream in{path};
  std::ostringstream stored;
  stored << in.rdbuf();
  INFO(path);
  CHECK(stored.str() == hex);
}

}  // namespace

// Would find: a field or tag that changed its number or form, and a worker that does not know.
TEST_CASE("what workers of other languages read and write has not changed") {
  compare("activation", encode_activation(sample()));
  compare("outcome", encode_outcome(sample_outcome()));
  CHECK(decode_activation(encode_activation(sample()))->variables == sample().variables);
}

}  // namespace dsf::plugins
