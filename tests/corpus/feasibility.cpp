// MII's own feasibility plugin, file for file, with our handlers (dsf-bpe 9.1).
#include <catch2/catch.hpp>
#include <set>

#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "cmake/test_skip.hpp"
#include "privacy/demo_data.hpp"
#include "processes/feasibility/request_bundle.hpp"
#include "tests/corpus/plugins.hpp"

namespace dsf::tests {
namespace {

constexpr std::uint32_t patients = 200;
const std::string request_process = "medizininformatik-initiativede_feasibilityRequest|1.0";
const std::string feasibility_codes = "http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility";

// "Measure/<id>", as a research portal stores it at its own site.
std::string store_query(corpus_sites& sites) {
  const auto urn = [] { return "urn:uuid:" + base::uuid::random(base::system_entropy()).to_string(); };
  const auto measure = urn(), library = urn();
  const auto answer = sites.post(
      "research", processes::feasibility::measure_and_library_bundle({.ccdl = privacy::demo_ccdl(),
                                                                      .cql = privacy::demo_cql(),
                                                                      .measure_url = measure,
                                                                      .library_url = library,
                                                                      .parent_organization = site::ctl::consortium::parent_organization}));
  for (const auto& e : answer["entry"])
    if (e["resource"]["resourceType"].str() == "Measure") return "Measure/" + e["resource"]["id"].str();
  throw std::runtime_error("the answer to the transaction has no Measure: " + answer.dump());
}

}  // namespace

// Would find: a file of the public plugin that our endpoint or engine refuses, a handler that its models don't suit, a Task or report
// that a site with the Java plugin would not understand, a count that leaves a hospital as it is or for other readers.
TEST_CASE("corpus: the public feasibility plugin, unchanged") {
  if (corpus_folder().empty()) DSF_SKIP("feasibility over four sites: no corpus beside the checkout");
  corpus_sites sites(feasibility_plugin(), patients);
  for (const auto site : {"research", "hospital-a"}) CHECK(sites.missing_resources(site) == std::vector<std::string>{});

  const auto measure = store_query(sites);
  const auto started =
      sites.start("research", {.process = request_process, .inputs = {{feasibility_codes, "measure-reference", "reference", measure}}});
  const auto ended = sites.wait_for_end("research", started.task);
  const auto& key = started.business_key;
  const auto results = sites.tasks("research", "feasibilitySingleDicResultMessage", key);
  CHECK(results.size() == 3);
  const auto reports = expected_document("measure-report");
  std::set<std::string> correlation_keys;
  for (const auto* h : sites.hospitals()) {
    INFO(h->name);
    expectation e;
    e.know("requester", "research").know("partner", h->name).know("business-key", key).know("measure", measure);
    e.know("requester-url", sites.at("research").base_url()).know("partner-url", h->base_url());
    CHECK(sites.differences(e, "feasibility-request", "research", ended) == std::vector<std::string>{});

    const auto requests = sites.tasks(h->name, "feasibilityExecuteMessage", key);
    REQUIRE(requests.size() == 1);
    const auto evaluated = sites.wait_for_end(h->name, "Task/" + requests[0]["id"].str());
    CHECK(sites.differences(e, "feasibility-execute", h->name, evaluated) == std::vector<std::string>{});
    correlation_keys.insert(e.known("correlation-key"));
    int answers = 0;
    for (const auto& result : results) {
      if (result["requester"]["identifier"]["value"].str() != h->organization) continue;
      ++answers;
      const auto answered = sites.wait_for_end("research", "Task/" + result["id"].str());
      CHECK(sites.differences(e, "feasibility-single-dic-result", "research", answered) == std::vector<std::string>{});
    }
    REQUIRE(answers == 1);
    // The count is bound by the first and has to be the same in the second.
    CHECK(e.differences(reports["hospital"], sites.read(h->name, "MeasureReport/" + e.known("report"))) == std::vector<std::string>{});
    CHECK(e.differences(reports["requester"], sites.read("research", "MeasureReport/" + e.known("live-report"))) ==
          std::vector<std::string>{});
  }
  CHECK(correlation_keys.size() == 3);
}

}  // namespace dsf::tests
