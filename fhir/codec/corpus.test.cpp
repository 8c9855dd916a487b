#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "fhir/codec/compare.test.hpp"
#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"

namespace {

using namespace dsf;
using fhir::test::sorted;
using fhir::test::told;
namespace fs = std::filesystem;

const fs::path corpus = DSF_SOURCE_DIR "/../shared/corpus";

bool have_corpus() {
  if (fs::is_directory(corpus / "fhir")) return true;
  std::cout << "skipped: there is no corpus at " << corpus << '\n';
  return false;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string plausible(std::string_view name) {
  if (name == "version") return "1.0";
  if (name == "date") return "2026-01-01";
  if (name == "organization") return "Test_Org";
  if (const auto colon = name.find(':'); colon != std::string_view::npos) return std::string(name.substr(colon + 1));
  return "value";
}

// Plugin sources have #{name} and ${name:default}, which deployment replaces. dsf-bpe 2
std::string filled_in(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool begins = (text[i] == '#' || text[i] == '$') && i + 1 < text.size() && text[i + 1] == '{';
    const auto end = begins ? text.find('}', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[i++];
    } else {
      out += plausible(text.substr(i + 2, end - i - 2));
      i = end + 1;
    }
  }
  return out;
}

// Two kinds of files of the corpus leave out required elements; nothing else may be wrong with any file.
bool only_missing(const fhir::reading& r, const std::vector<std::string>& allowed) {
  return std::ranges::all_of(
      r.issues, [&](const auto& i) { return std::ranges::find(allowed, i.expression) != allowed.end() && i.code == "required"; });
}
const std::vector<std::string> tutorial_gaps{"Task.status", "Task.intent"};
const std::vector<std::string> consent_gaps{"Consent.scope", "Consent.category"};

// Finds: an element that the tables lack or know wrongly, and any loss between the two forms.
void round_trip(const base::json& resource, const std::vector<std::string>& gaps) {
  const auto xml = fhir::write_xml(resource);
  REQUIRE(xml);
  const auto again = fhir::read_xml(*xml);
  INFO(told(again));
  INFO(*xml);
  REQUIRE(only_missing(again, gaps));
  CHECK(sorted(again.resource) == sorted(resource));
  const auto pretty = fhir::write_xml(resource, true);
  REQUIRE(pretty);
  CHECK(sorted(fhir::read_xml(*pretty).resource) == sorted(resource));
  const auto from_json = fhir::read_json(resource.dump());
  INFO(told(from_json));
  CHECK(only_missing(from_json, gaps));
  CHECK(from_json.resource == resource);
}

}  // namespace

TEST_CASE("every FHIR file of the corpus survives XML -> JSON -> XML -> JSON", "[fhir][corpus]") {
  if (!have_corpus()) return;
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(corpus / "fhir")) {
    const auto extension = entry.path().extension();
    if (extension != ".xml" && extension != ".json") continue;
    ++files;
    INFO(entry.path());
    const auto text = filled_in(text_of(entry.path()));
    const auto read = extension == ".xml" ? fhir::read_xml(text) : fhir::read_json(text);
    INFO(told(read));
    const auto gaps =
        entry.path() == corpus / "fhir/dsf-process-tutorial-main/example-task.xml" ? tutorial_gaps : std::vector<std::string>{};
    CHECK(read.issues.size() == gaps.size());
    REQUIRE(only_missing(read, gaps));
    round_trip(read.resource, gaps);
  }
  CHECK(files > 250);
}

TEST_CASE("clinical ndjson of the corpus is valid and survives XML", "[fhir][corpus]") {
  if (!have_corpus()) return;
  std::size_t lines = 0;
  for (const auto& entry : fs::directory_iterator(corpus / "domain/ccdl-mini")) {
    if (entry.path().extension() != ".ndjson") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      const auto read = fhir::read_json(line);
      INFO(entry.path() << "\n" << line << "\n" << told(read));
      const auto gaps = read.resource["resourceType"].str() == "Consent" ? consent_gaps : std::vector<std::string>{};
      CHECK(read.issues.size() == gaps.size());
      REQUIRE(only_missing(read, gaps));
      if (++lines % 10 == 0) round_trip(read.resource, gaps);
    }
  }
  CHECK(lines > 100);
}
