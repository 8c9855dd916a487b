#include "tests/golden/golden_site.hpp"

namespace dsf::tests {
namespace {

// 8 KiB that do not compress to nothing, the same for ever.
std::string large_text() {
  std::string out;
  std::uint64_t x = 88172645463325252ULL;
  while (out.size() < 8'192) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    out += static_cast<char>('a' + x % 26);
  }
  return out;
}

}  // namespace

std::vector<std::pair<std::string, bpmn::value>> golden_values() {
  using bpmn::value;
  const bpmn::target target{"site-b.example", "endpoint-b.example", "https://site-b.example/fhir", "correlation-1"};
  return {
      {"nothing", value()},
      {"yes", value(true)},
      {"short", value(std::int16_t{-3})},
      {"integer", value(std::int32_t{70'000})},
      {"long", value(std::int64_t{-5'000'000'000})},
      {"double", value(0.1)},
      {"decimal", value(bpmn::decimal{"1.00"})},
      {"text", value("Grüße \"\\\n")},
      {"time", value(base::timestamp{1'700'000'000'123'456})},
      {"bytes", value(bpmn::bytes{std::string("\0\xff\x7f", 3)})},
      {"list", value(bpmn::value_list{value(std::int32_t{1}), value("two"), value()})},
      {"map", value(bpmn::value_map{{"b", value(true)}, {"a", value(bpmn::value_list{})}})},
      {"names", value(bpmn::string_list{"one", "two", "three"})},
      {"target", value(target)},
      {"targets", value(bpmn::targets{{target, target}})},
      {"resource", value(bpmn::fhir_resource{"Patient", R"({"resourceType":"Patient","id":"made-up"})"})},
      {"resources",
       value(bpmn::fhir_resource_list{{{"Group", R"({"resourceType":"Group"})"}, {"Library", R"({"resourceType":"Library"})"}}})},
      {"reference", value(bpmn::fhir_reference{"Group", golden_group, 1})},
      {"json", value(bpmn::json_object{"dev.example.Thing", R"({"a":[1,2.50]})"})},
      {"object", value(bpmn::opaque_object{"dev.example.Other", "\xac\xed", "worker-1"})},
      {"typed", value(bpmn::plugin_typed{"dev.example.Serializer", "t", 42, "d"})},
      {"blob", value(bpmn::blob_reference{"b-1", 3'000'000, "00ff"})},
      {"large", value(large_text())},
  };
}

}  // namespace dsf::tests
