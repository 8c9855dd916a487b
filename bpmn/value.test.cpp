// Names, display and equality of values: a tag out of order would rename what is stored.
#include "bpmn/value.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace dsf::bpmn {

TEST_CASE("type names follow the stored tags", "[value]") {
  CHECK(type_name(value()) == "null");
  CHECK(type_name(value(true)) == "boolean");
  CHECK(type_name(value(std::int16_t{1})) == "short");
  CHECK(type_name(value(std::int64_t{1})) == "long");
  CHECK(type_name(value("x")) == "string");
  CHECK(type_name(value(base::timestamp{})) == "date-time");
  CHECK(type_name(value(string_list{})) == "string-list");
  CHECK(type_name(value(targets{})) == "targets");
  CHECK(type_name(value(opaque_object{})) == "opaque");
  CHECK(type_name(value(blob_reference{})) == "blob");
  CHECK(value(blob_reference{}).tag() == 21);
}

TEST_CASE("display shortens and bounds", "[value]") {
  CHECK(to_display(value(value_map{{"a", value(value_list{value(true), value()})}})).dump() == R"({"a":[true,null]})");
  CHECK(to_display(value(std::string("äää")), 3).str() == "ä... (6 bytes)");
  CHECK(to_display(value(value_list(200, value(1.5)))).size() == 101);
  CHECK(to_display(value(std::nan(""))).str() == "NaN");
  CHECK(to_display(value(bytes{"abc"})).str() == "(3 bytes)");
  value deep;
  for (int i = 0; i < 100; ++i) deep = value(value_list{deep});
  CHECK(to_display(deep).dump().find("...") != std::string::npos);
  CHECK(to_display(value(target{"o", "e", "u", ""})).dump() == R"({"organization":"o","endpoint":"e","url":"u"})");
  CHECK(to_display(value(targets{{{"o", "e", "u", "c"}}})).dump() ==
        R"([{"organization":"o","endpoint":"e","url":"u","correlationKey":"c"}])");
  CHECK(to_display(value(fhir_resource_list{{{"T", "{}"}}})).dump() == R"([{"type":"T","json":"{}"}])");
  CHECK(to_display(value(json_object{"c", "{}"})).dump() == R"({"class":"c","json":"{}"})");
  CHECK(to_display(value(opaque_object{"c", "abc", "w"})).dump() == R"({"class":"c","bytes":3,"owner":"w"})");
  CHECK(to_display(value(plugin_typed{"s", "t", 4, "ab"})).dump() == R"({"serializer":"s","text":"t","number":4,"bytes":2})");
  CHECK(to_display(value(blob_reference{"b", 5, "h"})).dump() == R"({"blob":"b","bytes":5,"sha256":"h"})");
  CHECK(to_display(value(fhir_reference{"Task", "1", 2})).str() == "Task/1/_history/2");
}

TEST_CASE("equality is by type and content, and NaN equals itself", "[value]") {
  CHECK(value(1.0) == value(1.0));
  CHECK(value(std::nan("")) == value(std::nan("")));
  CHECK_FALSE(value(std::int32_t{1}) == value(std::int64_t{1}));
  CHECK_FALSE(value("") == value());
  CHECK(value(value_list{value(std::nan(""))}) == value(value_list{value(std::nan(""))}));
}

}  // namespace dsf::bpmn
