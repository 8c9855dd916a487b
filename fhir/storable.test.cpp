#include "fhir/storable.hpp"

#include <catch2/catch.hpp>

using namespace dsf;

namespace {

const auto id = *base::uuid::parse("11111111-2222-4333-8444-555555555555");
constexpr base::timestamp committed{1'777'629'600'123'456};  // 2026-05-01T10:00:00.123456Z

base::json parsed(std::string_view text) { return *base::json::parse(text); }

}  // namespace

TEST_CASE("the stored form has type, id and meta first, without the client's version and time", "[fhir][storable]") {
  const auto s = fhir::make_storable(
      parsed(
          R"({"status":"draft","id":"x","meta":{"versionId":"9","tag":[{"code":"ALL"}],"lastUpdated":"2020-01-01T00:00:00Z"},"resourceType":"Task","intent":"order"})"),
      id);
  REQUIRE(s);
  CHECK(
      s->bytes ==
      R"({"resourceType":"Task","id":"11111111-2222-4333-8444-555555555555","meta":{"tag":[{"code":"ALL"}]},"status":"draft","intent":"order"})");
  CHECK(s->bytes.substr(s->meta_at - 8, 8) == R"("meta":{)");
  CHECK(
      fhir::splice(*s, 3, committed) ==
      R"({"resourceType":"Task","id":"11111111-2222-4333-8444-555555555555","meta":{"versionId":"3","lastUpdated":"2026-05-01T10:00:00.123Z","tag":[{"code":"ALL"}]},"status":"draft","intent":"order"})");
}

TEST_CASE("an empty meta takes the version without a comma", "[fhir][storable]") {
  for (const auto* text : {R"({"resourceType":"Task"})", R"({"resourceType":"Task","meta":{"versionId":"1"}})"}) {
    const auto s = fhir::make_storable(parsed(text), id);
    REQUIRE(s);
    CHECK(
        fhir::splice(*s, 1, committed) ==
        R"({"resourceType":"Task","id":"11111111-2222-4333-8444-555555555555","meta":{"versionId":"1","lastUpdated":"2026-05-01T10:00:00.123Z"}})");
  }
}

// Finds: an offset that depends on the type's length, or text that needs escaping moving it.
TEST_CASE("spliced bytes are JSON that says the same", "[fhir][storable]") {
  const auto resource = parsed(
      R"({"resourceType":"OrganizationAffiliation","meta":{"source":"a\"}{\\"},"active":true,"extension":[{"url":"u","valueDecimal":1.00}]})");
  const auto s = fhir::make_storable(resource, id);
  REQUIRE(s);
  const auto back = parsed(fhir::splice(*s, 12, committed));
  CHECK(back["meta"]["source"] == resource["meta"]["source"]);
  CHECK(back["meta"]["versionId"].str() == "12");
  CHECK(back["extension"] == resource["extension"]);
}

TEST_CASE("a value without a type can't be stored", "[fhir][storable]") {
  const auto s = fhir::make_storable(parsed("[]"), id);
  REQUIRE_FALSE(s);
  CHECK(s.error().to_string() == "a resource needs a 'resourceType'");
}
