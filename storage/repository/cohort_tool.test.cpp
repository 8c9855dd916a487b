#include "storage/repository/cohort_tool.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iostream>

#include "base/json.hpp"

using namespace dsf;
using namespace dsf::storage;
namespace fs = std::filesystem;

// The published counts, through the function behind `dsfctl cohort count` (domain 6.1, B1).
TEST_CASE("cohort tool: counts of the corpus") {
  const fs::path folder = fs::path(DSF_SOURCE_DIR) / "../shared/corpus/domain/ccdl-mini";
  if (!fs::exists(folder)) {
    std::cout << "skipped: cohort tool: no folder " << folder << "\n";
    return;
  }
  std::ifstream in(folder / "expected.json");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto expected = *base::json::parse(text);
  cohort_count_request request{folder, folder / "mapping.json", folder / "mapping_tree.json", "2026-01-15", {}};
  for (const auto& [name, count] : *expected["expected"].if_object()) request.queries.push_back(folder / (name + ".ccdl.json"));
  const auto lines = cohort_count_folder(request);
  if (!lines) FAIL(lines.error().to_string());
  REQUIRE(lines->size() == expected["expected"].size());
  std::size_t i = 0;
  for (const auto& [name, count] : *expected["expected"].if_object()) {
    INFO(name);
    CHECK((*lines)[i++].count == std::uint64_t(count.int_or(-1)));
  }
  CHECK(to_text(*lines).starts_with((folder / "q01-female.ccdl.json").string() + " 479\n"));

  request.day = "2026-02-30";
  CHECK(cohort_count_folder(request).error().to_string() == "--day: '2026-02-30' is no calendar day; write it as YYYY-MM-DD");
  request.day = "2026-01-15";
  request.queries = {folder / "none.ccdl.json"};
  CHECK(cohort_count_folder(request).error().place() == (folder / "none.ccdl.json").string());
  request.queries = {folder / "expected.json"};
  CHECK(cohort_count_folder(request).error().to_string().find("inclusionCriteria: is missing") != std::string::npos);
}
