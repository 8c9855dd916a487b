#include "privacy/mapping.hpp"

#include <catch2/catch.hpp>

#include "privacy/cohort.hpp"

using namespace dsf;
using namespace dsf::privacy;

namespace {

const std::string key = R"("context":{"system":"x","code":"c"},"key":{"system":"s","code":"k"})";
std::string tree(const std::string& entries) {
  return R"([{"context":{"system":"x","code":"c"},"system":"s","entries":[)" + entries + "]}]";
}

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

}  // namespace

TEST_CASE("mapping: what can't be used is refused with its path") {
  struct row {
    std::string text, place, part;
  };
  for (
      const auto& [text, place, part] : {
          row{"{}", "(document)", "must be a JSON array"},
          row{"[]", "(document)", "must not be empty"},
          row{"[{}]", "[0].context", "must be a JSON object"},
          row{"[{" + key + "}]", "[0].fhirResourceType", "it is missing"},
          row{"[{" + key + R"(,"fhirResourceType":"Condition","valueSearchParameter":"v"}])", "[0].valueType", "known are concept, code"},
          row{"[{" + key + R"(,"fhirResourceType":"Condition","valueType":"age"}])", "[0].valueType", "is 'age'"},
          row{"[{" + key + R"(,"fhirResourceType":"A"},{)" + key + R"(,"fhirResourceType":"B"}])", "[1].key", "is mapped twice"},
          row{"[{" + key + R"(,"fhirResourceType":"A","fixedCriteria":[{"type":"quantity","searchParameter":"p","value":[]}]}])",
              "[0].fixedCriteria[0].type", "code, concept or composite-concept"},
          row{"[{" + key + R"(,"fhirResourceType":"A","fixedCriteria":[{"type":"code","searchParameter":"p","value":[]}]}])",
              "[0].fixedCriteria[0].value", "must not be empty"},
          row{"[{" + key +
                  R"(,"fhirResourceType":"A","attributeSearchParameters":[{"attributeType":"composite-quantity","attributeKey":{"system":"s","code":"k"},"attributeSearchParameter":"p"}]}])",
              "[0].attributeSearchParameters[0].compositeCode", "is missing"},
      }) {
    INFO(text);
    const auto parsed = mapping::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().place() == place);
    CHECK(parsed.error().text().find(part) != std::string::npos);
  }
}

TEST_CASE("mapping: every value type is read") {
  for (const auto* name : {"concept", "code", "quantity", "date", "reference", "composite-quantity", "composite-concept", "Age"}) {
    const auto m =
        must(mapping::parse("[{" + key + R"(,"fhirResourceType":"Observation","valueSearchParameter":"p","valueType":")" + name + "\"}]"));
    const auto* e = m.find({"x", "c", "", "another version"}, {"s", "k", "another display", ""});
    REQUIRE(e);
    CHECK(to_string(e->type) == name);
    // A composite value means the key's own component unless the file says otherwise.
    CHECK(e->composite_code.has_value() == std::string(name).starts_with("composite"));
    CHECK(!m.find({"x", "d", "", ""}, {"s", "k", "", ""}));
  }
}

TEST_CASE("tree: descendants, each once") {
  const auto t = must(ontology_tree::parse(tree(
      R"({"key":"a","children":["b","c"]},{"key":"b","children":["d"]},{"key":"c","children":["d"]},{"key":"d"},{"key":"e","children":["e"]})")));
  CHECK(t.size() == 5);
  CHECK(t.expand({"x", "c", "", ""}, {"s", "a", "", ""}).size() == 4);
  CHECK(t.expand({"x", "c", "", ""}, {"s", "d", "", ""}).size() == 1);
  CHECK(t.expand({"x", "c", "", ""}, {"s", "e", "", ""}).size() == 1);  // a circle ends
  CHECK(t.expand({"x", "c", "", ""}, {"s", "z", "", ""}).empty());
  CHECK(t.expand({"x", "other", "", ""}, {"s", "a", "", ""}).empty());
  CHECK(ontology_tree::parse(tree(R"({"key":"a","children":["b"]})")).error().to_string() ==
        "[0].entries[0].children[0]: 'b' is no entry of this list; add it, or take it out here");
  CHECK(ontology_tree::parse(tree(R"({"key":"a"},{"key":"a"})")).error().place() == "[0].entries[1].key");
}

// Finds filters that are passed over in silence because the mapping has nothing for them.
TEST_CASE("cohort: a query the mapping can't answer is an error, whatever the data") {
  const auto entry = [](const std::string& code, const std::string& rest) {
    return R"({"context":{"system":"x","code":"c"},"key":{"system":"s","code":")" + code + R"("},)" + rest + "}";
  };
  const auto map = must(mapping::parse(
      "[" + entry("plain", R"("fhirResourceType":"Condition","termCodeSearchParameter":"code")") + "," +
      entry("unknown", R"("fhirResourceType":"Condition","termCodeSearchParameter":"colour")") + "," +
      entry("date", R"("fhirResourceType":"Condition","termCodeSearchParameter":"recorded-date")") + "," +
      entry("type", R"("fhirResourceType":"Basic","termCodeSearchParameter":"code")") + "," +
      entry(
          "value",
          R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-quantity","valueType":"quantity")") +
      "," +
      entry(
          "wrong",
          R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-concept","valueType":"quantity")") +
      "," +
      entry("day",
            R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-date","valueType":"date")") +
      "," + entry("age", R"("fhirResourceType":"Patient","valueSearchParameter":"birthdate","valueType":"Age")") + "]"));
  const auto tree_ = must(ontology_tree::parse(tree(
      R"({"key":"plain"},{"key":"unknown"},{"key":"date"},{"key":"type"},{"key":"value"},{"key":"wrong"},{"key":"day"},{"key":"age"},{"key":"unmapped"},{"key":"parent","children":["unmapped"]})")));
  clinical_index index;
  CHECK(!count_cohort(
      index,
      *parse_ccdl(
          R"({"inclusionCriteria":[[{"context":{"system":"x","code":"c","display":""},"termCodes":[{"system":"s","code":"plain","display":""}]}]]})"),
      map, tree_, {}));
  REQUIRE(index.seal());
  const std::string quantity = R"(,"valueFilter":{"type":"quantity-comparator","comparator":"gt","value":1})";
  const std::string concepts = R"(,"valueFilter":{"type":"concept","selectedConcepts":[{"system":"s","code":"k","display":""}]})";
  const std::string attribute =
      R"(,"attributeFilters":[{"type":"concept","attributeCode":{"system":"s","code":"z","display":""},"selectedConcepts":[{"system":"s","code":"k","display":""}]}])";
  struct row {
    std::string code, parts, part;
  };
  for (const auto& [code, parts, part] :
       {row{"nowhere", "", "the ontology tree does not know s|nowhere"}, row{"parent", "", "the mapping has no entry for s|parent"},
        row{"unknown", "", "'colour' of Condition, which is not indexed here"}, row{"date", "", "holds no codes"},
        row{"type", "", "resources of type Basic are not indexed"}, row{"plain", quantity, "takes no value filter"},
        row{"plain", attribute, "has no attribute s|z"},
        row{"plain", R"(,"timeRestriction":{"afterDate":"2020-01-01"})", "takes no time restriction"},
        row{"value", concepts, "can't be compared with concepts"}, row{"wrong", quantity, "does not hold values of the mapped type"},
        row{"day", quantity, "can't be compared with a quantity"}, row{"age", quantity, "an age needs a unit"},
        row{"age", concepts, "can't be compared with concepts"}}) {
    INFO(code << parts);
    const auto query =
        must(parse_ccdl(R"({"inclusionCriteria":[[{"context":{"system":"x","code":"c","display":""},"termCodes":[{"system":"s","code":")" +
                        code + R"(","display":""}])" + parts + "}]]}"));
    const auto counted = count_cohort(index, query, map, tree_, *parse_day("2026-01-15"));
    REQUIRE(!counted);
    INFO(counted.error().to_string());
    CHECK(counted.error().text().find(part) != std::string::npos);
    CHECK(counted.error().place().starts_with("inclusionCriteria[0][0]"));
  }
}
