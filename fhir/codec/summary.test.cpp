#include "fhir/codec/summary.hpp"

#include <catch2/catch.hpp>

#include "fhir/codec/json.hpp"
#include "fhir/codec/random_resource.test.hpp"

using namespace dsf;

namespace {

const auto task = *base::json::parse(
    R"({"resourceType":"Task","id":"a","meta":{"tag":[{"code":"ALL"}]},"text":{"status":"empty","div":"x"},"status":"draft","intent":"order",
        "priority":"asap","_priority":{"id":"p"},"authoredOn":"2026-01-01","input":[{"type":{"text":"t"},"valueString":"v"}]})");

std::string summary(fhir::summary_mode mode) { return fhir::summarize(task, mode).dump(); }

const std::string subsetted = R"({"code":"ALL"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"})";

}  // namespace

TEST_CASE("_summary keeps what its mode names", "[fhir][summary]") {
  CHECK(summary(fhir::summary_mode::summary) ==
        R"({"resourceType":"Task","id":"a","meta":{"tag":[)" + subsetted + R"(]},"status":"draft","intent":"order"})");
  CHECK(summary(fhir::summary_mode::text) == R"({"resourceType":"Task","id":"a","meta":{"tag":[)" + subsetted +
                                                 R"(]},"text":{"status":"empty","div":"x"},"status":"draft","intent":"order"})");
  CHECK(fhir::summarize(task, fhir::summary_mode::data).find("text") == nullptr);
  CHECK(fhir::summarize(task, fhir::summary_mode::data).find("input") != nullptr);
  CHECK(fhir::summarize(task, fhir::summary_mode::full) == task);
}

TEST_CASE("_summary of a Bundle reduces its entries", "[fhir][summary]") {
  const auto bundle =
      *base::json::parse(R"({"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"resource":)" + task.dump() + "}]}");
  CHECK(fhir::summarize(bundle, fhir::summary_mode::count).dump() == R"({"resourceType":"Bundle","type":"searchset","total":1})");
  const auto reduced = fhir::summarize(bundle, fhir::summary_mode::summary);
  CHECK(reduced["entry"][0]["resource"]["status"].str() == "draft");
  CHECK(reduced["entry"][0]["resource"].find("input") == nullptr);
  CHECK(fhir::parse_summary("true") == fhir::summary_mode::summary);
  CHECK_FALSE(fhir::parse_summary("yes"));
}

// Finds: a mode that leaves out something without which the resource is not valid.
TEST_CASE("summaries of random resources are valid", "[fhir][summary][property]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const auto resource = fhir::test::random_resource(seed).any();
    for (const auto mode : {fhir::summary_mode::summary, fhir::summary_mode::text, fhir::summary_mode::data}) {
      const auto issues = fhir::check(fhir::summarize(resource, mode));
      INFO("seed " << seed << " " << (issues.empty() ? "" : issues.front().expression + ": " + issues.front().text));
      CHECK(issues.empty());
    }
  }
}
