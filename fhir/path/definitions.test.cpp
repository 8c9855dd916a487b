// Every expression of the R4 definitions compiles: invariants and search parameters.
#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "base/json.hpp"
#include "fhir/model/constraints.hpp"
#include "fhir/path/expression.hpp"

namespace dsf::fhir::path {
namespace {

void compiles(std::string_view text, std::size_t& good) {
  const auto e = expression::compile(text);
  INFO(text);
  if (!e) UNSCOPED_INFO(e.error().to_string());
  CHECK(e.has_value());
  good += e.has_value();
}

}  // namespace

TEST_CASE("every invariant of R4 compiles") {
  std::size_t good = 0;
  std::set<std::string_view> texts;
  for (const auto& c : all_constraints())
    for (const auto& rule : c.constraints)
      if (texts.insert(rule.expression).second) compiles(rule.expression, good);
  std::cout << "R4 invariants: " << good << " of " << texts.size() << " different expressions compile\n";
  CHECK(texts.size() > 150);
}

TEST_CASE("every search parameter of R4 compiles") {
  std::ifstream file(DSF_SOURCE_DIR "/build/definitions/search-parameters.json");
  if (!file) {
    std::cout << "SKIPPED: no build/definitions; run scripts/fhir_definitions\n";
    return;
  }
  std::stringstream text;
  text << file.rdbuf();
  const auto bundle = base::json::parse(text.str());
  REQUIRE(bundle);
  std::size_t good = 0, all = 0;
  for (const auto& entry : (*bundle)["entry"])
    if (const auto& e = entry["resource"]["expression"].str(); !e.empty()) {
      ++all;
      compiles(e, good);
    }
  std::cout << "R4 search parameters: " << good << " of " << all << " expressions compile\n";
  CHECK(all > 1000);
}

}  // namespace dsf::fhir::path
