#include "privacy/clinical_index.hpp"

#include <catch2/catch.hpp>

#include <iostream>

#include "base/entropy.hpp"
#include "privacy/generator.hpp"
#include "privacy/search_parameters.hpp"

using namespace dsf;
using namespace dsf::privacy;

namespace {

base::json parse(std::string_view text) {
  auto j = base::json::parse(text);
  if (!j) FAIL(j.error().to_string());
  return std::move(*j);
}

}  // namespace

TEST_CASE("index: what can't be indexed is refused, and leaves nothing behind") {
  clinical_index index;
  CHECK(!index.add(parse(R"({"resourceType":"Patient"})")));
  const auto bad =
      index.add(parse(R"({"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"recordedDate":"yesterday"})"));
  REQUIRE(!bad);
  CHECK(bad.error().to_string() ==
        "Condition/c (recordedDate): \"yesterday\" is no FHIR date; write YYYY, YYYY-MM, YYYY-MM-DD or a dateTime");
  CHECK(index.resources() == 0);
  CHECK(index.patients() == 0);
  REQUIRE(index.add(parse(R"({"resourceType":"Provenance","id":"x"})")));  // not a type with parameters
  CHECK(index.resources() == 0);
  REQUIRE(index.add(parse(R"({"resourceType":"Patient","id":"p"})")));
  REQUIRE(index.add(parse(R"({"resourceType":"Patient","id":"p","gender":"male"})")));
  const auto twice = index.seal();
  REQUIRE(!twice);
  CHECK(twice.error().text() == "Patient/p occurs twice; keep its newest version only");
}

TEST_CASE("index: references name patients in every form FHIR has") {
  CHECK(split_reference("Patient/p1").id == "p1");
  CHECK(split_reference("https://x.org/fhir/Patient/p1").type == "Patient");
  CHECK(split_reference("https://x.org/fhir/Patient/p1/_history/3").id == "p1");
  for (const auto* text : {"", "p1", "/p1", "Patient/", "urn:uuid:8c0a3f0e", "#contained", "patient/p1", "Patient/a b"}) {
    INFO(text);
    CHECK(split_reference(text).id.empty());
  }
}

// Finds a reader of stored bytes that trusts them: cut at every length, and with each byte changed, it must refuse or read, never crash.
TEST_CASE("index: damaged bytes are refused or harmless") {
  clinical_index index;
  REQUIRE(generate({.site = "a", .seed = 3, .patients = 4}, [&](const base::json& r) { return index.add(r); }));
  REQUIRE(index.seal());
  const auto bytes = index.serialize();
  for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(!clinical_index::deserialize(std::string_view(bytes).substr(0, n)));
  CHECK(!clinical_index::deserialize(bytes + "x"));
  base::seeded_entropy dice(5);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(dice.below(256));
    (void)clinical_index::deserialize(changed);
  }
}
