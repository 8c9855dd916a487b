#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "privacy/demo_data.hpp"
#include "privacy/search_translation.hpp"

using namespace dsf;
using namespace dsf::privacy;
namespace fs = std::filesystem;

namespace {

const day today = *parse_day("2026-01-15");

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

std::string slurp(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// Context c of system x for all.
std::string entry(const std::string& key, const std::string& rest) {
  return R"({"context":{"system":"x","code":"c","display":""},"key":{"system":"http://s","code":")" + key + R"(","display":""},)" + rest +
         "}";
}
const std::string attribute_code = R"({"system":"http://a","code":"X","display":""})";
std::string coded(const std::string& code, const std::string& system = "http://s") {
  return R"({"system":")" + system + R"(","code":")" + code + R"(","display":""})";
}

const mapping& map() {
  static const auto out = must(mapping::parse(
      "[" +
      entry("obs",
            R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-quantity",
        "valueType":"quantity","timeRestrictionParameter":"date","fixedCriteria":[{"type":"code","searchParameter":"status","value":[)" +
                coded("final") + "," + coded("amended") +
                R"(]}],"attributeSearchParameters":[{"attributeType":"reference","attributeSearchParameter":"specimen","attributeKey":)" +
                coded("specimen", "http://a") + R"(},{"attributeType":"concept","attributeSearchParameter":"method","attributeKey":)" +
                coded("method", "http://a") + "}]") +
      "," + entry("parent", R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueSearchParameter":"value-quantity",
        "valueType":"quantity")") +
      "," +
      entry("bp", R"("fhirResourceType":"Observation","termCodeSearchParameter":"code","valueType":"composite-quantity",
        "valueSearchParameter":"component-code-value-quantity","compositeCode":)" +
                      coded("8480-6", "http://loinc.org")) +
      "," + entry("answer", R"("fhirResourceType":"Observation","valueType":"composite-concept",
        "valueSearchParameter":"component-code-value-concept")") +
      "," +
      entry("specimen", R"("fhirResourceType":"Specimen","termCodeSearchParameter":"type","timeRestrictionParameter":"collected",
        "attributeSearchParameters":[{"attributeType":"concept","attributeSearchParameter":"bodysite","attributeKey":)" +
                            coded("site", "http://a") + "}]") +
      "," + entry("anyspecimen", R"("fhirResourceType":"Specimen")") + "," +
      entry("age", R"("fhirResourceType":"Patient","valueSearchParameter":"birthdate","valueType":"Age")") + "," +
      entry("gender", R"("fhirResourceType":"Patient","valueSearchParameter":"gender","valueType":"code")") + "," +
      entry("consent", R"("fhirResourceType":"Consent","termCodeSearchParameter":"provision-code")") + "]"));
  return out;
}
const ontology_tree& tree() {
  static const auto out = must(ontology_tree::parse(
      R"([{"context":{"system":"x","code":"c","display":""},"system":"http://s","entries":[
        {"key":"obs","children":[]},{"key":"parent","children":["obs"]},{"key":"unmapped","children":[]},
        {"key":"bp","children":[]},{"key":"answer","children":[]},{"key":"specimen","children":[]},{"key":"anyspecimen","children":[]},
        {"key":"age","children":[]},{"key":"gender","children":[]},{"key":"consent","children":[]}]}])"));
  return out;
}

std::string criterion_text(const std::string& code, const std::string& rest = "") {
  return R"({"context":{"system":"x","code":"c","display":""},"termCodes":[)" + coded(code) + "]" + (rest.empty() ? "" : "," + rest) + "}";
}
base::result<search_plan> plan(const std::string& criterion, const search_plan_limits& limits = {}) {
  return plan_searches(must(parse_ccdl(R"({"version":"2","inclusionCriteria":[[)" + criterion + "]]}")), map(), tree(), today, limits);
}
// The searches with %7C and the like as they are read.
std::vector<std::string> searches(const std::string& criterion) {
  std::vector<std::string> out;
  const auto planned = must(plan(criterion));
  for (const auto& s : planned.inclusion.at(0).at(0).any_of) {
    std::string text;
    for (std::size_t i = 0; i < s.query.size(); ++i) {
      if (s.query[i] == '%') {
        text += static_cast<char>(std::stoi(s.query.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        text += s.query[i];
      }
    }
    constexpr std::string_view end = "&_elements=subject,id&_count=1000";
    if (text.ends_with(end)) text.resize(text.size() - end.size());
    out.push_back(text);
  }
  return out;
}
std::string compared(const std::string& comparator, const std::string& value, const std::string& unit) {
  return R"("valueFilter":{"type":"quantity-comparator","comparator":")" + comparator + R"(","value":)" + value +
         (unit.empty() ? "" : R"(,"unit":{"code":")" + unit + R"(","display":""})") + "}";
}
std::string concepts(const std::string& list) { return R"("type":"concept","selectedConcepts":[)" + list + "]"; }

using texts = std::vector<std::string>;

}  // namespace

// Would find: a comparator that the server rounds, a unit of no system, a fixed criterion or a descendant forgotten.
TEST_CASE("search translation: quantities, fixed criteria, times and descendants") {
  const std::string fixed = "Observation?code=http://s|obs&status=final,amended";
  const auto with = [&](const std::string& c) { return searches(criterion_text("obs", compared(c, "7.5", "%"))); };
  const std::string unit = "|http://unitsofmeasure.org|%";
  CHECK(with("gt") == texts{fixed + "&value-quantity=gt7.5" + unit});
  CHECK(with("le") == texts{fixed + "&value-quantity=le7.5" + unit});
  CHECK(with("eq") == texts{fixed + "&value-quantity=ge7.5" + unit + "&value-quantity=le7.5" + unit});
  CHECK(with("ne") == texts{fixed + "&value-quantity=gt7.5" + unit, fixed + "&value-quantity=lt7.5" + unit});
  CHECK(searches(criterion_text("obs", R"("valueFilter":{"type":"quantity-range","minValue":6.0,"maxValue":6.5})")) ==
        texts{fixed + "&value-quantity=ge6&value-quantity=le6.5"});
  CHECK(searches(criterion_text("obs", R"("timeRestriction":{"afterDate":"2020-01-01","beforeDate":"2021-12-31"})")) ==
        texts{fixed + "&date=ge2020-01-01&date=le2021-12-31"});
  CHECK(searches(criterion_text("parent", compared("lt", "2", ""))) ==
        texts{fixed + "&value-quantity=lt2", "Observation?code=http://s|parent&value-quantity=lt2"});
  CHECK(must(plan(criterion_text("obs", compared("gt", "7.5", "%")))).inclusion[0][0].any_of[0].query ==
        "Observation?code=http://s%7Cobs&status=final,amended&value-quantity=gt7.5%7Chttp://unitsofmeasure.org%7C%25"
        "&_elements=subject,id&_count=1000");
}

TEST_CASE("search translation: composites, concepts and reserved characters") {
  CHECK(searches(criterion_text("bp", compared("ge", "120", "mm[Hg]"))) ==
        texts{"Observation?code=http://s|bp&component-code-value-quantity=http://loinc.org|8480-6$ge120|http://unitsofmeasure.org|mm[Hg]"});
  CHECK(searches(criterion_text("answer", R"("valueFilter":{)" + concepts(coded("yes") + "," + coded("a,b$c|d")) + "}")) ==
        texts{R"(Observation?component-code-value-concept=http://s|answer$http://s|a\,b\$c\|d)",
              "Observation?component-code-value-concept=http://s|answer$http://s|yes"});
  CHECK(searches(criterion_text("gender", R"("valueFilter":{)" + concepts(coded("female") + "," + coded("other")) + "}")) ==
        texts{"Patient?gender=female&_elements=id&_count=1000", "Patient?gender=other&_elements=id&_count=1000"});
  CHECK(searches(criterion_text("consent")) == texts{"Consent?provision-code=http://s|consent&_elements=patient,id&_count=1000"});
}

// The bounds are those of age.test.cpp; here it counts that each gets its own prefix.
TEST_CASE("search translation: ages are bounds on the birth date") {
  const auto age = [&](const std::string& c) { return searches(criterion_text("age", compared(c, "65", "a"))).at(0); };
  const std::string end = "&_elements=id&_count=1000";
  CHECK(age("eq") == "Patient?birthdate=ge1960-01-16&birthdate=le1961-01-15" + end);
  CHECK(age("gt") == "Patient?birthdate=lt1961-01-15" + end);
  CHECK(age("ge") == "Patient?birthdate=le1961-01-15" + end);
  CHECK(age("lt") == "Patient?birthdate=gt1961-01-15" + end);
  CHECK(age("le") == "Patient?birthdate=ge1961-01-15" + end);
  CHECK(plan(criterion_text("age", compared("ne", "65", "a"))).error().place() == "inclusionCriteria[0][0].valueFilter");
}

TEST_CASE("search translation: a reference filter is a chain, multiplied with the rest") {
  const auto reference = R"("attributeFilters":[{"type":"reference","attributeCode":)" + coded("specimen", "http://a") +
                         R"(,"criteria":[)" +
                         criterion_text("specimen", R"("attributeFilters":[{"attributeCode":)" + coded("site", "http://a") + "," +
                                                        concepts(coded("arm") + "," + coded("leg")) + "}]") +
                         R"(]},{"attributeCode":)" + coded("method", "http://a") + "," + concepts(coded("m1") + "," + coded("m2")) + "}]";
  const auto found = searches(criterion_text("obs", reference));
  REQUIRE(found.size() == 4);
  CHECK(
      found[0] ==
      "Observation?code=http://s|obs&status=final,amended&specimen:Specimen.type=http://s|specimen&specimen:Specimen.bodysite=http://s|arm"
      "&method=http://s|m1");
  const auto any = R"("attributeFilters":[{"type":"reference","attributeCode":)" + coded("specimen", "http://a") + R"(,"criteria":[)" +
                   criterion_text("anyspecimen") + "]}]";
  CHECK(plan(criterion_text("obs", any)).error().is(errc::unsupported));
}

TEST_CASE("search translation: what can't be translated is named, and limits hold") {
  const std::tuple<std::string, errc, std::string> cases[] = {
      {criterion_text("nowhere"), errc::not_mapped, "inclusionCriteria[0][0]"},
      {criterion_text("unmapped"), errc::not_mapped, "inclusionCriteria[0][0]"},
      {criterion_text("specimen", compared("gt", "1", "")), errc::not_mapped, "inclusionCriteria[0][0].valueFilter"},
      {criterion_text("gender", compared("gt", "1", "")), errc::not_mapped, "inclusionCriteria[0][0].valueFilter"},
      {criterion_text("bp", R"("valueFilter":{)" + concepts(coded("y")) + "}"), errc::not_mapped, "inclusionCriteria[0][0].valueFilter"},
      {criterion_text("parent", R"("timeRestriction":{"afterDate":"2020-01-01"})"), errc::not_mapped,
       "inclusionCriteria[0][0].timeRestriction"},
      {criterion_text("parent", R"("attributeFilters":[{"attributeCode":)" + attribute_code + "," + concepts(coded("y")) + "}]"),
       errc::not_mapped, "inclusionCriteria[0][0].attributeFilters[0]"},
  };
  for (const auto& [criterion, code, place] : cases) {
    const auto r = plan(criterion);
    REQUIRE_FALSE(r);
    INFO(r.error().to_string());
    CHECK(r.error().is(code));
    CHECK(r.error().place() == place);
  }
  CHECK(plan(criterion_text("parent"), {.searches = 1}).error().is(errc::limit));
  CHECK(must(plan(criterion_text("parent"), {.searches = 2})).searches == 2);
}

TEST_CASE("search translation: every query of the demo has a plan") {
  const auto m = must(mapping::parse(demo_mapping()));
  const auto t = must(ontology_tree::parse(demo_tree()));
  for (const auto& q : demo_queries()) {
    INFO(q.name);
    const auto p = must(plan_searches(must(parse_ccdl(q.ccdl)), m, t, today));
    CHECK(p.searches > 0);
  }
}

TEST_CASE("search translation: queries of the corpus") {
  const fs::path folder = fs::path(DSF_SOURCE_DIR) / "../shared/corpus/domain/ccdl-mini";
  if (!fs::exists(folder)) {
    std::cout << "skipped: search translation: no folder " << folder << "\n";
    return;
  }
  const auto m = must(mapping::parse(slurp(folder / "mapping.json")));
  const auto t = must(ontology_tree::parse(slurp(folder / "mapping_tree.json")));
  const auto of = [&](const std::string& name) {
    return must(plan_searches(must(parse_ccdl(slurp(folder / (name + ".ccdl.json")))), m, t, today));
  };
  CHECK(of("q01-female").inclusion[0][0].any_of == std::vector<fhir_search>{{"Patient", "Patient?gender=female&_elements=id&_count=1000"}});
  CHECK(of("q06-hba1c-range").inclusion[0][0].any_of.at(0).query ==
        "Observation?code=http://loinc.org%7C4548-4&value-quantity=ge6%7Chttp://unitsofmeasure.org%7C%25"
        "&value-quantity=le6.5%7Chttp://unitsofmeasure.org%7C%25&_elements=subject,id&_count=1000");
  const auto diabetes = of("q02-diabetes-tree");
  CHECK(diabetes.searches == diabetes.inclusion[0][0].any_of.size());
  CHECK(diabetes.inclusion[0][0].any_of.at(0).query ==
        "Condition?code=http://fhir.de/CodeSystem/bfarm/icd-10-gm%7CE10&_elements=subject,id&_count=1000");
  const auto excluding = of("q07-female-diabetes-excl-hypertension");
  CHECK(excluding.inclusion.size() == 2);
  CHECK(excluding.exclusion.size() == 1);
  CHECK(of("q08-time-restricted").inclusion[0][0].any_of.at(0).query.find("&recorded-date=ge") != std::string::npos);
}
