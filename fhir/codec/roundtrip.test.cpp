#include <catch2/catch.hpp>

#include "fhir/codec/compare.test.hpp"
#include "fhir/codec/json.hpp"
#include "fhir/codec/random_resource.test.hpp"
#include "fhir/codec/xml.hpp"

using namespace dsf;

using fhir::test::sorted;
using fhir::test::told;

// Finds: loss of a value, a digit, an extension, an order or a blank between JSON and XML; a type whose tables disagree with the checker.
TEST_CASE("random resources of every type survive JSON -> XML -> JSON", "[fhir][property]") {
  std::size_t seen = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    fhir::test::random_resource make(seed);
    const auto resource = make.any();
    INFO("seed " << seed);
    const auto text = resource.dump();
    const auto read = fhir::read_json(text);
    INFO(told(read) << text);
    REQUIRE(read.ok());
    CHECK(read.resource == resource);
    for (const bool pretty : {false, true}) {
      const auto xml = fhir::write_xml(read.resource, pretty);
      REQUIRE(xml);
      const auto back = fhir::read_xml(*xml);
      INFO(*xml << "\n" << told(back));
      REQUIRE(back.ok());
      REQUIRE(sorted(back.resource) == sorted(resource));
      CHECK(*fhir::write_xml(back.resource, pretty) == *xml);
    }
    seen += text.size();
  }
  CHECK(seen > 100'000);
}

// Finds: a type that can't be written with the fewest elements it needs.
TEST_CASE("each R4 resource type can be made valid", "[fhir][property]") {
  std::size_t types = 0;
  for (const auto& type : fhir::all_types()) {
    if (!fhir::is_resource(type.name)) continue;
    ++types;
    fhir::test::random_resource make(types);
    const auto read = fhir::read_json(make.of(type, false).dump());
    INFO(type.name << "\n" << told(read));
    CHECK(read.ok());
  }
  CHECK(types == 146);
}
