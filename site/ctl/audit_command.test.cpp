// dsfctl audit. Faults these find: a Bundle that is none, a filter that is not passed on, a time that is misread.
#include "site/ctl/audit_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "site/audit/event.hpp"

using namespace dsf;
using namespace dsf::site;

namespace {

struct written {
  std::string file = (std::filesystem::temp_directory_path() / ("dsfd-ctl-audit-" + std::to_string(::getpid()) + ".jsonl")).string();
  base::manual_clock clock;
  written() {
    std::ofstream out(file);
    for (int hours = 5; hours >= 0; --hours) {
      audit_event e;
      e.kind = hours % 2 == 0 ? audit_kind::denied : audit_kind::configuration;
      e.outcome = hours % 2 == 0 ? audit_outcome::minor_failure : audit_outcome::success;
      e.time = {clock.now().us - hours * 3'600 * base::us_per_s};
      e.agent.organization = hours < 3 ? "site-b.example" : "site-c.example";
      e.what = "GET Task/{id}";
      out << to_fhir(e, {"site-a.example", "A"}).dump() << '\n';
    }
  }
  ~written() { std::filesystem::remove(file); }
  std::string show(ctl::audit_command_options options) {
    options.file = file;
    std::ostringstream out, err;
    ctl_output o{out, err, false, 0, false, clock};
    const auto shown = ctl::audit_show(o, options);
    return shown ? out.str() : "ERROR " + shown.error().to_string();
  }
};

std::size_t lines_of(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

TEST_CASE("audit prints a table, lines and a FHIR Bundle, filtered") {
  written w;
  const auto table = w.show({});
  CHECK(lines_of(table) == 7);
  CHECK(table.find("site-b.example") != std::string::npos);
  CHECK(table.find("failed 4") != std::string::npos);
  CHECK(lines_of(w.show({.format = "lines"})) == 6);
  CHECK(lines_of(w.show({.since = "90m", .format = "lines"})) == 2);
  CHECK(lines_of(w.show({.until = base::to_iso(w.clock.now()), .format = "lines"})) == 5);
  CHECK(lines_of(w.show({.outcome = "failure", .organization = "site-b.example", .format = "lines"})) == 2);
  CHECK(lines_of(w.show({.kind = "configuration", .format = "lines"})) == 3);
  const auto bundle = base::json::parse(w.show({.kind = "denied", .format = "bundle"}));
  REQUIRE(bundle);
  CHECK((*bundle)["type"].str() == "collection");
  CHECK((*bundle)["entry"].size() == 3);
  CHECK((*bundle)["entry"][1]["resource"]["resourceType"].str() == "AuditEvent");
  CHECK(w.show({.organization = "nobody", .format = "bundle"}) == "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}\n");
  CHECK(w.show({.since = "yesterday"}).find("ERROR --since takes") == 0);
}
