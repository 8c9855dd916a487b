#include "privacy/ccdl.hpp"

#include <catch2/catch.hpp>

using namespace dsf;
using namespace dsf::privacy;

namespace {

const std::string code = R"({"system":"s","code":"c","display":"d"})";
// A query of one criterion with these parts added.
std::string with(const std::string& parts) {
  return R"({"version":"2","inclusionCriteria":[[{"context":)" + code + R"(,"termCodes":[)" + code + "]" + parts + "}]]}";
}
std::string filter(const std::string& members) { return with(R"(,"valueFilter":{)" + members + "}"); }

}  // namespace

// Each row is one rule of the schema: finds a rule that is not enforced, and an error that does not say where.
TEST_CASE("ccdl: what breaks the schema is refused with its path") {
  struct row {
    std::string text;
    std::string place;
    std::string part;
  };
  const std::string unit = R"("unit":{"code":"%","display":"%"})";
  for (const auto& [text, place, part] : {
           row{"[]", "(document)", "must be a JSON object"},
           row{R"({"version":"2"})", "inclusionCriteria", "is missing"},
           row{R"({"version":"1","inclusionCriteria":[]})", "version", "is '1'; this program reads version \"2\""},
           row{R"({"version":2,"inclusionCriteria":[]})", "version", "must be a text"},
           row{R"({"version":"2","inclusionCriteria":[]})", "inclusionCriteria", "must not be empty"},
           row{R"({"version":"2","inclusionCriteria":[[]]})", "inclusionCriteria[0]", "must not be empty"},
           row{R"({"version":"2","inclusionCriteria":{}})", "inclusionCriteria", "must be a JSON array"},
           row{with("").substr(0, with("").size() - 1) + R"(,"exclusionCriteria":[]})", "exclusionCriteria", "must not be empty"},
           row{R"({"inclusionCriteria":[[{"termCodes":[]}]]})", "inclusionCriteria[0][0].context", "is missing"},
           row{R"({"inclusionCriteria":[[{"context":)" + code + "}]]}", "inclusionCriteria[0][0].termCodes", "it is missing"},
           row{R"({"inclusionCriteria":[[{"context":)" + code + R"(,"termCodes":[{"system":"s","code":"c"}]}]]})",
               "inclusionCriteria[0][0].termCodes[0].display", "is missing"},
           row{R"({"inclusionCriteria":[[{"context":)" + code + R"(,"termCodes":[{"system":"s","code":"","display":""}]}]]})",
               "inclusionCriteria[0][0].termCodes[0].code", "must not be empty"},
           row{filter(R"("type":"text")"), "inclusionCriteria[0][0].valueFilter.type",
               "known are concept, quantity-comparator and quantity-range"},
           row{filter(R"("type":"concept","selectedConcepts":[])"), "inclusionCriteria[0][0].valueFilter.selectedConcepts",
               "must not be empty"},
           row{filter(R"("type":"quantity-comparator","comparator":"=","value":1)"), "inclusionCriteria[0][0].valueFilter.comparator",
               "known are eq"},
           row{filter(R"("type":"quantity-comparator","comparator":"eq","value":"1")"), "inclusionCriteria[0][0].valueFilter.value",
               "must be a number"},
           row{filter(R"("type":"quantity-comparator","comparator":"eq","value":1e999)"), "", ""},
           row{filter(R"("type":"quantity-comparator","comparator":"eq","value":1,"unit":{"display":"%"})"),
               "inclusionCriteria[0][0].valueFilter.unit.code", "it is missing"},
           row{filter(R"("type":"quantity-comparator","comparator":"eq","value":1,"unit":{"code":"%"})"),
               "inclusionCriteria[0][0].valueFilter.unit.display", "it is missing"},
           row{filter(R"("type":"quantity-range","minValue":1)"), "inclusionCriteria[0][0].valueFilter.maxValue", "it is missing"},
           row{filter(R"("type":"quantity-range","minValue":2,"maxValue":1)"), "inclusionCriteria[0][0].valueFilter.minValue",
               "greater than maxValue"},
           row{with(R"(,"timeRestriction":{})"), "inclusionCriteria[0][0].timeRestriction", "needs afterDate, beforeDate or both"},
           row{with(R"(,"timeRestriction":{"afterDate":"2023-02-29"})"), "inclusionCriteria[0][0].timeRestriction.afterDate",
               "'2023-02-29' is no calendar day"},
           row{with(R"(,"timeRestriction":{"afterDate":"2023"})"), "inclusionCriteria[0][0].timeRestriction.afterDate", "YYYY-MM-DD"},
           row{with(R"(,"attributeFilters":[{"type":"concept","selectedConcepts":[)" + code + "]}]"),
               "inclusionCriteria[0][0].attributeFilters[0].attributeCode", "it is missing"},
           row{with(R"(,"attributeFilters":[{"type":"reference","attributeCode":)" + code + R"(,"criteria":[]}])"),
               "inclusionCriteria[0][0].attributeFilters[0].criteria", "must not be empty"},
           row{with(R"(,"attributeFilters":[{"type":"reference","attributeCode":)" + code + R"(,"criteria":[{"context":)" + code +
                    R"(,"termCodes":[)" + code + R"(],"attributeFilters":[{"type":"reference","attributeCode":)" + code +
                    R"(,"criteria":[]}]}]}])"),
               "inclusionCriteria[0][0].attributeFilters[0].criteria[0].attributeFilters[0].type", "can't hold another reference filter"},
       }) {
    INFO(text);
    const auto parsed = parse_ccdl(text);
    REQUIRE(!parsed);
    if (place.empty()) continue;  // the JSON reader refuses it already
    CHECK(parsed.error().place() == place);
    CHECK(parsed.error().text().find(part) != std::string::npos);
    CHECK(parsed.error().is(errc::query));
  }
}

TEST_CASE("ccdl: what the schema allows is read") {
  const auto q = parse_ccdl(
      filter(R"("type":"quantity-comparator","comparator":"ge","value":6.5,"unit":{"code":"%","display":"percent"},"unknown":{"x":1})"));
  REQUIRE(q);
  const auto& f = std::get<quantity_comparator_filter>(*q->inclusion[0][0].value);
  CHECK(f.compare == comparator::ge);
  CHECK(f.value == 6.5);
  CHECK(f.unit == "%");
  CHECK(q->inclusion[0][0].path == "inclusionCriteria[0][0]");
  CHECK(parse_ccdl(with(R"(,"attributeFilters":[])")));
  CHECK(parse_ccdl(with(R"(,"valueFilter":null)")));
  const auto t = parse_ccdl(with(R"(,"timeRestriction":{"beforeDate":"2024-02-29"})"));
  REQUIRE(t);
  CHECK(!t->inclusion[0][0].time->after);
  CHECK(to_string(*t->inclusion[0][0].time->before) == "2024-02-29");
}

TEST_CASE("ccdl: limits") {
  ccdl_limits small;
  small.criteria_in_all = 2;
  small.codes = 2;
  const std::string one = R"({"context":)" + code + R"(,"termCodes":[)" + code + "]}";
  CHECK(parse_ccdl(R"({"inclusionCriteria":[[)" + one + "," + one + "]]}", small));
  CHECK(parse_ccdl(R"({"inclusionCriteria":[[)" + one + "," + one + "],[" + one + "]]}", small).error().is(errc::limit));
  const auto codes =
      parse_ccdl(R"({"inclusionCriteria":[[{"context":)" + code + R"(,"termCodes":[)" + code + "," + code + "," + code + "]}]]}", small);
  REQUIRE(!codes);
  CHECK(codes.error().to_string() == "inclusionCriteria[0][0].termCodes: has 3 elements; at most 2 are allowed");
  small.document_bytes = 10;
  CHECK(parse_ccdl(with(""), small).error().is(errc::limit));
  CHECK(parse_ccdl(R"({"inclusionCriteria":[[{"context":{"system":")" + std::string(5000, 'x') + R"("}}]]})").error().is(errc::limit));
}
