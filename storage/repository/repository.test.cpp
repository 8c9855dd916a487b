#include "storage/repository/repository.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include "privacy/demo_data.hpp"
#include "privacy/generator.hpp"

using namespace dsf;
using namespace dsf::storage;
namespace fs = std::filesystem;

namespace {

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

struct scratch {
  fs::path path;
  scratch() {
    std::string name = (fs::temp_directory_path() / "dsf-repository-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    path = name;
  }
  ~scratch() {
    std::error_code ec;
    fs::remove_all(path, ec);
  }
};

void write_file(const fs::path& p, std::string_view text) {
  std::ofstream out(p, std::ios::binary);
  out << text;
  REQUIRE(out.good());
}

struct demo {
  privacy::generator_ledger ledger;
  std::string ndjson;
};
demo make_demo(std::uint32_t patients, std::uint64_t seed = 1) {
  demo out;
  out.ledger =
      must(privacy::generate({.site = "dic-a", .seed = seed, .patients = patients}, [&](const base::json& r) -> base::result<void> {
        out.ndjson += r.dump() + "\n";
        return {};
      }));
  return out;
}

std::uint64_t count_demo(repository& r) {
  return must(r.count(must(privacy::parse_ccdl(privacy::demo_ccdl())), must(privacy::mapping::parse(privacy::demo_mapping())),
                      must(privacy::ontology_tree::parse(privacy::demo_tree())), privacy::generator_settings{}.today));
}

std::string patient(std::string_view id, std::string_view gender) {
  return "{\"resourceType\":\"Patient\",\"id\":\"" + std::string(id) + "\",\"gender\":\"" + std::string(gender) + "\"}\n";
}

}  // namespace

// Finds an import that loses resources, an index that is not renewed, and one that is wrong after a restart.
TEST_CASE("repository: what the generator made is counted as its ledger says, also after a restart") {
  const scratch dir;
  const auto d = make_demo(300);
  write_file(dir.path / "in.ndjson", d.ndjson);
  {
    auto r = must(repository::open(dir.path / "db"));
    std::uint64_t last = 0;
    import_settings s;
    s.batch_resources = 100;
    s.progress = [&](const import_progress& p) {
      CHECK(p.bytes_done >= last);
      CHECK(p.bytes_total == d.ndjson.size());
      last = p.bytes_done;
      return true;
    };
    const auto report = must(r->import_file(dir.path / "in.ndjson", s));
    CHECK(report.finished);
    CHECK(report.resources == d.ledger.resources);
    CHECK(last == d.ndjson.size());
    CHECK(count_demo(*r) == d.ledger.counts.at("demo"));
    CHECK(r->index_memory_bytes() > 0);
    r->release_index();
    CHECK(r->index_memory_bytes() == 0);
    CHECK(count_demo(*r) == d.ledger.counts.at("demo"));
    std::uint64_t all = 0;
    for (const auto& [type, n] : must(r->count_by_type())) all += n;
    CHECK(all == d.ledger.resources);
  }
  auto r = must(repository::open(dir.path / "db"));
  CHECK(count_demo(*r) == d.ledger.counts.at("demo"));
  // The same again replaces; nobody counts twice.
  CHECK(must(r->import_file(dir.path / "in.ndjson")).resources == d.ledger.resources);
  CHECK(must(r->count_by_type()).at("Patient") == 300);
  CHECK(count_demo(*r) == d.ledger.counts.at("demo"));
}

// Finds a stopped import that begins again, or that leaves a hole.
TEST_CASE("repository: a stopped import goes on where it stopped") {
  const scratch dir;
  const auto d = make_demo(100);
  const auto file = dir.path / "in.ndjson";
  write_file(file, d.ndjson);
  std::uint64_t written = 0;
  {
    auto r = must(repository::open(dir.path / "db"));
    import_settings s;
    s.batch_resources = 50;
    int batches = 0;
    s.progress = [&](const import_progress&) { return ++batches < 3; };
    const auto report = must(r->import_file(file, s));
    CHECK(!report.finished);
    CHECK(report.resources == 150);
    written = report.resources;
  }
  auto r = must(repository::open(dir.path / "db"));
  const auto report = must(r->import_file(file));
  CHECK(report.finished);
  CHECK(report.resumed_at > 0);
  CHECK(report.resources + written == d.ledger.resources);
  CHECK(count_demo(*r) == d.ledger.counts.at("demo"));

  SECTION("a finished file is read again from its start") { CHECK(must(r->import_file(file)).resumed_at == 0); }
  SECTION("a changed file is read again from its start") {
    import_settings s;
    s.batch_resources = 10;
    s.progress = [](const import_progress&) { return false; };
    CHECK(must(r->import_file(file, s)).resources == 10);
    write_file(file, patient("x", "male") + d.ndjson);
    CHECK(must(r->import_file(file)).resumed_at == 0);
  }
}

// Finds half imported batches and errors that do not say where.
TEST_CASE("repository: a bad line is named, and its batch is not written") {
  const scratch dir;
  auto r = must(repository::open(dir.path / "db"));
  const auto file = dir.path / "bad.ndjson";
  struct row {
    std::string line;
    std::string part;
  };
  for (const auto& [line, part] :
       {row{"{\"resourceType\":\"Patient\",", "not valid JSON"}, row{"{\"resourceType\":\"Patient\"}", "has no 'id'"},
        row{"{\"id\":\"a\"}", "has no 'resourceType'"}, row{"[1]", "must be a JSON object"},
        row{"{\"resourceType\":\"Patient\",\"id\":\"a b\"}", "has no 'id'"},
        row{"{\"resourceType\":\"Patient\",\"id\":\"a\",\"id\":\"b\"}", "occurs twice"},
        row{"{\"resourceType\":\"Patient\",\"id\":\"a\",\"birthDate\":\"1999-02-29\"}", "\"1999-02-29\" is no FHIR date"},
        row{"{\"resourceType\":\"Observation\",\"id\":\"a\",\"valueQuantity\":{\"value\":\"7\"}}", "must be a number"}}) {
    INFO(line);
    write_file(file, patient("p1", "male") + "\n" + line + "\n" + patient("p2", "male"));
    const auto bad = r->import_file(file);
    REQUIRE(!bad);
    CHECK(bad.error().place() == file.string() + ":3");
    CHECK(bad.error().text().find(part) != std::string::npos);
    INFO(bad.error().to_string());
    CHECK(must(r->count_by_type()).empty());
  }
  import_settings lenient;
  lenient.stop_at_error = false;
  const auto report = must(r->import_file(file, lenient));
  CHECK(report.resources == 2);
  CHECK(report.skipped == 1);
  REQUIRE(report.errors.size() == 1);
  CHECK(report.errors[0].place() == file.string() + ":3");

  import_settings narrow;
  narrow.line_bytes = 100;
  std::istringstream in(patient("p3", "male") + std::string(200, ' ') + "\n");
  const auto long_line = r->import_stream(in, "stdin", narrow);
  REQUIRE(!long_line);
  CHECK(long_line.error().to_string().find("stdin:2: the line is longer than 100 bytes") != std::string::npos);
  CHECK(must(r->read("Patient", "p3")) == std::nullopt);

  const auto missing = r->import_file(dir.path / "none.ndjson");
  REQUIRE(!missing);
  CHECK(missing.error().text().find("can't be read") != std::string::npos);
}

// Finds references that stay urn:uuid, and half imported bundles.
TEST_CASE("repository: bundles") {
  const scratch dir;
  auto r = must(repository::open(dir.path / "db"));
  const auto file = dir.path / "b.json";
  const std::string head = R"({"resourceType":"Bundle","type":"transaction","entry":[
    {"fullUrl":"urn:uuid:8c0a3f0e-0000-4000-8000-000000000001","resource":{"resourceType":"Patient","gender":"male"}},
    {"resource":{"resourceType":"Condition","id":"c1","subject":{"reference":"urn:uuid:8c0a3f0e-0000-4000-8000-000000000001"}}})";
  write_file(file, head + R"(,{"resource":{"resourceType":"Condition","id":"not an id"}}]})");
  const auto bad = r->import_file(file);
  REQUIRE(!bad);
  CHECK(bad.error().place() == file.string() + ": entry[2]");
  CHECK(must(r->count_by_type()).empty());
  write_file(file, head + "]}");
  CHECK(must(r->import_file(file)).resources == 2);
  const auto condition = must(r->read("Condition", "c1"));
  REQUIRE(condition);
  CHECK(condition->find("\"Patient/8c0a3f0e-0000-4000-8000-000000000001\"") != std::string::npos);
  CHECK(must(r->read("Patient", "8c0a3f0e-0000-4000-8000-000000000001")).has_value());
  import_settings small;
  small.bundle_bytes = 10;
  CHECK(r->import_file(file, small).error().is(errc::too_large));
}

TEST_CASE("repository: pages in the order of ids") {
  const scratch dir;
  auto r = must(repository::open(dir.path / "db"));
  std::vector<base::json> list;
  for (const auto* id : {"b", "a", "d", "c"}) list.push_back(must(base::json::parse(patient(id, "male"))));
  list.push_back(must(base::json::parse("{\"resourceType\":\"PatientX\",\"id\":\"z\"}")));
  REQUIRE(r->put(list));
  const auto first = must(r->resources("Patient", {}, 3));
  REQUIRE(first.resources.size() == 3);
  CHECK(first.resources[0].id == "a");
  REQUIRE(first.next == "d");
  const auto second = must(r->resources("Patient", *first.next, 3));
  REQUIRE(second.resources.size() == 1);
  CHECK(second.resources[0].json == list[2].dump());
  CHECK(!second.next);
}

// Finds two programs writing into one repository, and folders taken for what they are not.
TEST_CASE("repository: a folder in use, of another kind or not there is refused") {
  const scratch dir;
  {
    const auto r = must(repository::open(dir.path / "db"));
    const auto again = repository::open(dir.path / "db");
    REQUIRE(!again);
    CHECK(again.error().is(errc::locked));
  }
  fs::create_directories(dir.path / "other");
  write_file(dir.path / "other" / "letter.txt", "hello");
  const auto other = repository::open(dir.path / "other");
  REQUIRE(!other);
  CHECK(other.error().is(errc::not_a_store));
  const auto none = repository::open(dir.path / "none", {.read_only = true});
  REQUIRE(!none);
  CHECK(none.error().is(errc::not_a_store));
  auto reader = must(repository::open(dir.path / "db", {.read_only = true}));
  std::istringstream in(patient("p", "male"));
  const auto refused = reader->import_stream(in, "stdin");
  REQUIRE(!refused);
  CHECK(refused.error().is(errc::read_only));
}
