// The published counts of the small CCDL corpus (domain 6.1, B1).
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "privacy/cohort.hpp"

using namespace dsf;
using namespace dsf::privacy;
namespace fs = std::filesystem;

namespace {

const fs::path folder = fs::path(DSF_SOURCE_DIR) / "../shared/corpus/domain/ccdl-mini";

std::string slurp(const fs::path& p) {
  std::ifstream in(p, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

}  // namespace

TEST_CASE("corpus: every query has its published count") {
  if (!fs::exists(folder)) {
    std::cout << "skipped: corpus: no folder " << folder << "\n";
    return;
  }
  clinical_index index;
  for (const auto& e : fs::directory_iterator(folder)) {
    if (e.path().extension() != ".ndjson") continue;
    std::ifstream in(e.path());
    for (std::string line; std::getline(in, line);) {
      const auto added = index.add(must(base::json::parse(line)));
      REQUIRE(added);
    }
  }
  REQUIRE(index.seal());
  const auto map = must(mapping::parse(slurp(folder / "mapping.json")));
  const auto tree = must(ontology_tree::parse(slurp(folder / "mapping_tree.json")));
  const auto expected = must(base::json::parse(slurp(folder / "expected.json")));
  CHECK(index.patients() == expected["patients"].int_or(0));
  const auto today = *parse_day(expected["today"].str());
  const auto stored = must(clinical_index::deserialize(index.serialize()));
  CHECK(stored.serialize() == index.serialize());
  std::size_t asked = 0;
  for (const auto& [name, count] : *expected["expected"].if_object()) {
    INFO(name);
    const auto query = must(parse_ccdl(slurp(folder / (name + ".ccdl.json"))));
    CHECK(must(count_cohort(index, query, map, tree, today)).count == std::uint64_t(count.int_or(-1)));
    CHECK(must(count_cohort(stored, query, map, tree, today)).count == std::uint64_t(count.int_or(-1)));
    ++asked;
  }
  CHECK(asked == expected["expected"].size());
}

TEST_CASE("corpus: the large queries are read, and what the mapping lacks is named") {
  if (!fs::exists(folder)) {
    std::cout << "skipped: corpus: no folder " << folder << "\n";
    return;
  }
  const auto any = must(parse_ccdl(slurp(folder / "condition-query-union-top-10.json")));
  REQUIRE(any.inclusion.size() == 1);
  CHECK(any.inclusion[0].size() == 10);
  const auto all = must(parse_ccdl(slurp(folder / "condition-query-intersection-top-10.json")));
  CHECK(all.inclusion.size() == 10);
  const auto example = must(parse_ccdl(slurp(folder / "ccdl-all-properties.json")));
  CHECK(example.inclusion.size() == 4);
  CHECK(std::get<reference_filter>(example.inclusion[3][0].attributes[0].filter).criteria.size() == 2);

  const auto map = must(mapping::parse(slurp(folder / "mapping.json")));
  const auto tree = must(ontology_tree::parse(slurp(folder / "mapping_tree.json")));
  clinical_index index;
  REQUIRE(index.seal());
  const auto counted = count_cohort(index, any, map, tree, *parse_day("2026-01-15"));
  REQUIRE(!counted);
  CHECK(counted.error().is(errc::not_mapped));
  CHECK(counted.error().place() == "inclusionCriteria[0][0]");
  CHECK(counted.error().text().find("http://snomed.info/sct|444814009") != std::string::npos);
}
