// Four sites work for a while; then their logs and what they print hold no name, key, password or patient.
#include <re2/re2.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <sstream>

#include "base/bytes.hpp"
#include "privacy/demo_data.hpp"
#include "processes/feasibility/request_bundle.hpp"
#include "site/ctl/demo/consortium.hpp"
#include "tests/wire/wire_site.hpp"

using namespace dsf;
using namespace dsf::tests;
using base::json;

namespace {

constexpr std::int64_t work_timeout_ms = 60'000;

// Every text of a resource that says who somebody is.
void patient_texts(const json& value, std::set<std::string>& out) {
  if (const auto* o = value.if_object()) {
    for (const auto& [name, member] : *o)
      if (name == "family" || name == "given" || name == "birthDate" || name == "id" || name == "identifier" || name == "address")
        patient_texts(member, out);
      else if (name == "name" || name == "value")
        patient_texts(member, out);
  } else if (const auto* a = value.if_array()) {
    for (const auto& element : *a) patient_texts(element, out);
  } else if (value.str().size() >= 8) {
    out.insert(value.str());
  }
}

json wait_for_task(site::ctl::consortium& sites, site::ctl::demo_site& at, const std::string& task) {
  for (std::int64_t waited = 0; waited < work_timeout_ms; waited += 50) {
    auto now = must(sites.read(at, task));
    if (now["status"].str() == "completed" || now["status"].str() == "failed") return now;
    ::usleep(50'000);
  }
  throw std::runtime_error(task + " has not ended");
}

}  // namespace

TEST_CASE("logs hold no secrets and no patients", "[log]") {
  temp_folder folder("log");
  site::ctl::demo_options d;
  d.folder = folder.path().string();
  d.patients = 20;
  d.first_port = 18'760;
  d.program = dsfd_program();
  d.processes = (std::filesystem::path(DSF_SOURCE_DIR) / "processes").string();
  const std::string planted = "planted-secret-7d3f";
  d.process_environment["dev.dsf.planted.password"] = planted;
  ::setenv("DSFD_LOG_LEVEL", "debug", 1);
  ::setenv("DSFD_TLS_CLIENT_KEY_PASSWORD", planted.c_str(), 1);  // the keys are not encrypted; a password too many is not looked at
  auto sites = must(site::ctl::consortium::prepare(d));
  for (auto& s : sites->sites) must(sites->start(*s));
  ::unsetenv("DSFD_LOG_LEVEL");
  ::unsetenv("DSFD_TLS_CLIENT_KEY_PASSWORD");
  for (auto& s : sites->sites) must(sites->wait_until_ready(*s, 60'000));
  std::set<std::string> forbidden{planted};
  for (auto& s : sites->sites) {
    if (!s->holds_data()) continue;
    const auto file = must(sites->make_patients(*s));
    must(s->admin->import(file.string(), [](const site::import_progress&) { return true; }));
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) patient_texts(must(json::parse(line)), forbidden);
  }
  REQUIRE(forbidden.size() > 100);
  // What the key files say, without their first and last lines.
  for (auto& s : sites->sites)
    for (const auto* name : {"server.key", "client.key"}) {
      const auto text = read_text(s->certificates / name);
      const auto begin = text.find('\n') + 1;
      forbidden.insert(text.substr(begin, text.find('\n', begin) - begin));
    }
  auto& hrp = *sites->sites.front();
  const auto ping = must(hrp.admin->start_task({.process = "dsfdev_ping|1.0", .message = "startPing"}));
  const auto bundle =
      processes::feasibility::measure_and_library_bundle({.ccdl = privacy::demo_ccdl(),
                                                          .cql = privacy::demo_cql(),
                                                          .measure_url = "urn:uuid:6f0a5c1e-0000-4000-8000-000000000001",
                                                          .library_url = "urn:uuid:6f0a5c1e-0000-4000-8000-000000000002",
                                                          .parent_organization = site::ctl::consortium::parent_organization});
  const auto answer = must(sites->post(hrp, "", bundle));
  std::string measure;
  for (const auto& e : answer["entry"]) {
    const auto& location = e["response"]["location"].str();
    if (const auto at = location.find("Measure/"); at != location.npos) measure = location.substr(at, location.find('/', at + 8) - at);
  }
  const auto request = must(hrp.admin->start_task(
      {.process = "medizininformatik-initiativede_feasibilityRequest|1.0",
       .inputs = {{"http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility", "measure-reference", "reference", measure}}}));
  CHECK(wait_for_task(*sites, hrp, ping.task)["status"].str() == "completed");
  CHECK(wait_for_task(*sites, hrp, request.task)["status"].str() == "completed");
  sites->stop_all();

  std::size_t lines = 0;
  bool about_instance = false;
  for (auto& s : sites->sites) {
    const auto log = read_text(s->folder / "log.jsonl"), output = read_text(s->folder / "output.log");
    for (const auto& text : forbidden) {
      INFO(s->name);
      if (log.find(text) != log.npos) FAIL_CHECK("the log has " + text + ": " + log.substr(log.rfind('\n', log.find(text)) + 1, 400));
      if (output.find(text) != output.npos) FAIL_CHECK("the output has " + text);
    }
    // Each line is JSON and says which site it is of.
    std::istringstream in(log);
    for (std::string line; std::getline(in, line); ++lines) {
      const auto j = must(json::parse(line));
      CHECK(j["site"].str() == s->name);
      about_instance = about_instance || (!j["instance"].str().empty() && !j["businessKey"].str().empty());
    }
  }
  CHECK(lines > 50);
  CHECK(about_instance);
}
