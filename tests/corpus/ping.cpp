// DSF's own ping/pong plugin, file for file, with our handlers (domain 1.4, dsf-bpe 9.2).
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <set>

#include "cmake/test_skip.hpp"
#include "tests/corpus/plugins.hpp"

namespace dsf::tests {
namespace {

const std::string ping_process = "dsfdev_ping|1.0";
const std::string ping_codes = "http://dsf.dev/fhir/CodeSystem/ping";

// What went between requester and partner under that business key; returns the correlation key.
std::string check_pair(corpus_sites& sites, const std::string& requester, const std::string& partner, const std::string& business_key) {
  INFO(requester << " pings " << partner);
  expectation e;
  e.know("requester", requester).know("partner", partner).know("business-key", business_key);
  const auto pings = sites.tasks(partner, "ping", business_key);
  REQUIRE(pings.size() == 1);
  CHECK(sites.differences(e, "ping", partner, sites.wait_for_end(partner, "Task/" + pings[0]["id"].str())) == std::vector<std::string>{});
  int pongs = 0;
  for (const auto& pong : sites.tasks(requester, "pong", business_key)) {
    if (pong["requester"]["identifier"]["value"].str() != partner + ".example") continue;
    ++pongs;
    CHECK(sites.differences(e, "pong", requester, sites.wait_for_end(requester, "Task/" + pong["id"].str())) == std::vector<std::string>{});
  }
  CHECK(pongs == 1);
  return e.known("correlation-key");
}

// The start Task; its outputs come in the order in which pongs did.
void check_start(corpus_sites& sites, const std::string& name, const std::string& site, base::json task, const std::string& business_key,
                 const std::map<std::string, std::string>& correlation_keys, const std::string& search = "") {
  const auto outputs = task["output"];
  REQUIRE(outputs.size() == correlation_keys.size());
  for (const auto& [partner, key] : correlation_keys) {
    expectation e;
    e.know("requester", site)
        .know("partner", partner)
        .know("business-key", business_key)
        .know("correlation-key", key)
        .know("search", search);
    base::json own = base::json::array{};
    for (const auto& output : outputs)
      if (output.dump().find('"' + partner + ".example\"") != std::string::npos) own.push_back(output);
    task.set("output", own);
    CHECK(sites.differences(e, name, site, task) == std::vector<std::string>{});
  }
}

// Autostart of DSF's 1.x line: a process that starts another one at its own site by a Task, waits, and is stopped by a message.
void check_autostart(corpus_sites& sites, const std::string& site, const std::string& search) {
  const std::string process = "dsfdev_pingAutostart|1.0";
  const auto started =
      sites.start(site, {.process = process,
                         .message = "startPingAutostart",
                         .inputs = {{ping_codes, "target-endpoints", "string", search}, {ping_codes, "timer-interval", "string", "PT1H"}}});
  const auto sent_by_process = [&]() -> std::optional<base::json> {
    for (const auto& task : sites.search(site, "Task?status=completed"))
      if (task["identifier"].size() == 1 && parameter_of(task, "input", "message-name")["valueString"].str() == "startPing") return task;
    return std::nullopt;
  };
  std::optional<base::json> task;
  for (int i = 0; i < 300 && !task; ++i, ::usleep(100'000)) task = sent_by_process();
  REQUIRE(task);
  const auto business_key = parameter_of(*task, "input", "business-key")["valueString"].str();
  CHECK(business_key != started.business_key);
  const auto key = check_pair(sites, site, "hospital-b", business_key);
  check_start(sites, "start-ping-by-autostart", site, *task, business_key, {{"hospital-b", key}}, search);
  CHECK(sites.read(site, started.task)["status"].str() == "in-progress");
  const auto stop = sites.start(site, {.process = process, .message = "stopPingAutostart"});
  CHECK(sites.wait_for_end(site, stop.task)["status"].str() == "completed");
  CHECK(sites.wait_for_end(site, started.task)["status"].str() == "completed");
}

}  // namespace

// Would find: a file of the public plugin that our endpoint or engine refuses, a handler that its models don't suit, a Task that a site
// with the Java plugin would not understand.
TEST_CASE("corpus: the public ping/pong plugin, unchanged") {
  if (corpus_folder().empty()) DSF_SKIP("ping/pong over four sites: no corpus beside the checkout");
  corpus_sites sites(ping_plugin(), 0);
  for (const auto site : {"research", "hospital-a"}) CHECK(sites.missing_resources(site) == std::vector<std::string>{});

  const auto started = sites.start("research", {.process = ping_process, .message = "startPing"});
  const auto ended = sites.wait_for_end("research", started.task);
  std::map<std::string, std::string> correlation_keys;
  std::set<std::string> different;
  for (const auto* h : sites.hospitals()) {
    correlation_keys[h->name] = check_pair(sites, "research", h->name, started.business_key);
    different.insert(correlation_keys[h->name]);
  }
  CHECK(different.size() == 3);
  CHECK(sites.tasks("research", "ping", started.business_key).empty());
  check_start(sites, "start-ping", "research", ended, started.business_key, correlation_keys);

  // And one that names its target, from a site of the other role.
  const std::string search = "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|hospital-b.localhost";
  const auto one = sites.start(
      "hospital-a", {.process = ping_process, .message = "startPing", .inputs = {{ping_codes, "target-endpoints", "string", search}}});
  const auto one_ended = sites.wait_for_end("hospital-a", one.task);
  const auto key = check_pair(sites, "hospital-a", "hospital-b", one.business_key);
  CHECK(sites.tasks("research", "ping", one.business_key).empty());
  CHECK(sites.tasks("hospital-c", "ping", one.business_key).empty());
  check_start(sites, "start-ping-of-one", "hospital-a", one_ended, one.business_key, {{"hospital-b", key}}, search);

  check_autostart(sites, "hospital-a", search);
}

}  // namespace dsf::tests
