// A site as two programs, against one that is one program: what the connection between the halves must stand. dsf-bpe 1.5 to 1.9.
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "base/entropy.hpp"
#include "base/uuid.hpp"
#include "tests/wire/lone_site.hpp"
#include "tests/wire/split_pair.hpp"

using namespace dsf;
using namespace dsf::tests;

namespace {

std::string new_key() { return base::uuid::random(base::system_entropy()).to_string(); }

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// Tasks of a business key at an endpoint, as "message status", sorted.
std::multiset<std::string> tasks_of(const base::json& bundle, const std::string& business_key) {
  std::multiset<std::string> out;
  for (const auto& e : bundle["entry"]) {
    std::string message, key;
    for (const auto& in : e["resource"]["input"]) {
      const auto& code = in["type"]["coding"][std::size_t{0}]["code"].str();
      if (code == "message-name") message = in["valueString"].str();
      if (code == "business-key") key = in["valueString"].str();
    }
    if (key == business_key) out.insert(message + " " + e["resource"]["status"].str());
  }
  return out;
}

// Looks until it is so, as versions of different Tasks reach the endpoint side by side.
template <class Look>
std::multiset<std::string> soon(const std::multiset<std::string>& wanted, const Look& look) {
  auto seen = look();
  for (int waited = 0; waited < 200 && seen != wanted; ++waited, seen = look()) ::usleep(50'000);
  return seen;
}

// The ports on which a process listens for TCP, by address, as `ss` sees them.
std::vector<std::string> listening(pid_t pid) {
  const auto seen = run_to_end({"/bin/sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; ss -ltnpH"});
  if (seen.exit_code != 0) throw std::runtime_error("ss can't be run: " + seen.err);
  std::vector<std::string> out;
  std::istringstream lines(seen.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("pid=" + std::to_string(pid) + ",") == line.npos) continue;
    std::istringstream words(line);
    std::string state, received, sent, local;
    words >> state >> received >> sent >> local;
    out.push_back(local);
  }
  return out;
}

}  // namespace

TEST_CASE("split: pings go both ways, and the engine opens no port", "[split]") {
  split_pair s;
  s.start_all();
  const auto key = new_key(), back = new_key();
  const auto out = s.ping(s.engine, key), in = s.ping(s.other, back);
  CHECK(s.outcome_of(s.endpoint, out) == "");
  CHECK(s.outcome_of(s.other, in) == "");
  const std::multiset<std::string> asking{"pong completed", "startPing completed"}, answering{"ping completed"};
  CHECK(soon(asking, [&] { return tasks_of(s.read("Task?_count=100"), key); }) == asking);
  CHECK(soon(answering, [&] { return tasks_of(s.read_other("Task?_count=100"), key); }) == answering);
  CHECK(soon(answering, [&] { return tasks_of(s.read("Task?_count=100"), back); }) == answering);
  // Each status is a version of its own at the endpoint, as it is for a site in one program.
  CHECK(s.read("Task/" + out + "/_history")["total"] == s.read_other("Task/" + in + "/_history")["total"]);

  CHECK(listening(s.engine.process.pid()) == std::vector<std::string>{fmt::format("127.0.0.1:{}", s.engine_status_port)});
  CHECK(listening(s.endpoint.process.pid()) == std::vector<std::string>{fmt::format("127.0.0.1:{}", s.endpoint_port)});
  // No clinical or process data stands beside the endpoint: it has no instances.
  CHECK(must(s.endpoint.admin->status()).running_instances == 0);
  for (auto* p : {&s.engine, &s.endpoint, &s.other}) CHECK(p->process.stop(15'000));
}

TEST_CASE("split: the halves start in any order, and Tasks created while the engine is away are found", "[split]") {
  split_pair s;
  // The engine first: nobody answers it, it says so, and runs.
  s.start(s.engine);
  s.wait_until_ready(s.engine, false);
  CHECK(must(s.engine.admin->status()).not_ready_because.find("the FHIR endpoint can't be reached") == 0);
  s.start(s.endpoint);
  s.start(s.other);
  s.wait_until_ready(s.endpoint);
  s.wait_until_ready(s.engine);
  s.wait_until_ready(s.other);

  s.engine.process.kill_hard();
  std::vector<std::string> tasks;
  for (int i = 0; i < 30; ++i) tasks.push_back(s.ping_by_post(new_key()));
  s.start(s.engine);
  for (const auto& t : tasks) CHECK(s.outcome_of(s.endpoint, t) == "");
  CHECK(read_text(s.folder / "engine.jsonl").find("Tasks were found by search") != std::string::npos);
}

TEST_CASE("split: either half is killed while pings are under way", "[split]") {
  split_pair s;
  s.start_all();
  std::vector<std::pair<split_pair::program*, std::string>> pings;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 8; ++i) {
      pings.emplace_back(&s.endpoint, s.ping_by_post(new_key()));
      pings.emplace_back(&s.other, s.ping(s.other, new_key()));
    }
    auto& victim = round % 2 == 0 ? s.engine : s.endpoint;
    ::usleep(static_cast<useconds_t>(10'000 * (round + 1)));
    victim.process.kill_hard();
    ::usleep(300'000);
    s.start(victim);
    s.wait_until_ready(s.endpoint);
    s.wait_until_ready(s.engine);
  }
  for (const auto& [at, task] : pings) CHECK(s.outcome_of(*at, task) == "");
  // Nothing is left over, neither at the endpoint nor in the engine.
  const auto left = [&] {
    return s.read("Task?status=requested&_summary=count")["total"].int_or(-1) +
           s.read("Task?status=in-progress&_summary=count")["total"].int_or(-1) +
           static_cast<std::int64_t>(must(s.engine.admin->status()).running_instances);
  };
  for (int waited = 0; waited < 200 && left() != 0; ++waited) ::usleep(50'000);
  CHECK(left() == 0);
}

TEST_CASE("split: the connection is cut again and again; a Task that comes by socket and by search takes effect once", "[split]") {
  split_pair s;
  s.start_all();
  std::vector<std::string> keys, tasks;
  for (int i = 0; i < 40; ++i) {
    keys.push_back(new_key());
    tasks.push_back(s.ping_by_post(keys.back()));
    // Each cut makes the engine bind and search again, while Tasks it knows are still requested at the endpoint.
    if (i % 4 == 3) s.proxy->cut();
  }
  for (const auto& t : tasks) CHECK(s.outcome_of(s.endpoint, t) == "");
  const std::multiset<std::string> asking{"pong completed", "startPing completed"}, answering{"ping completed"};
  for (const auto& key : keys) {
    CHECK(soon(answering, [&] { return tasks_of(s.read_other("Task?_count=1000"), key); }) == answering);
    CHECK(soon(asking, [&] { return tasks_of(s.read("Task?_count=1000"), key); }) == asking);
  }
  CHECK(count_of(read_text(s.folder / "engine.jsonl"), "connected to the FHIR endpoint") >= 2);
}

TEST_CASE("split: what the engine decides while its endpoint can't be reached arrives when it can", "[split]") {
  split_pair s;
  s.start_all();
  const auto task = s.ping_by_post(new_key());
  // Cut as soon as the engine has taken it over, so that the claim and what follows wait.
  for (int i = 0; i < 500 && must(s.engine.admin->list_instances({})).instances.empty(); ++i) ::usleep(2'000);
  s.proxy->close(true);
  s.proxy->cut();
  ::usleep(1'500'000);
  s.wait_until_ready(s.engine, false);
  s.proxy->close(false);
  CHECK(s.outcome_of(s.endpoint, task) == "");
  s.wait_until_ready(s.engine);
}

TEST_CASE("split: settings that do not fit together", "[split]") {
  lone_site s;
  const auto fails = [&](const std::string& text) {
    const auto ended = run_to_end(s.command());
    INFO(ended.err);
    CHECK(ended.exit_code == 2);
    CHECK(ended.err.find(text) != std::string::npos);
  };
  SECTION("an engine without an endpoint") {
    s.replace("roles: [fhir, bpe]", "roles: [bpe]");
    s.replace(", allow_list: allow-list.json", "");
    fails(
        "bpe.endpoint is not set; roles has bpe without fhir, so the FHIR endpoint is another program: set its address, or add the role "
        "fhir");
  }
  SECTION("two endpoints") {
    s.settings += "bpe: {endpoint: 'https://localhost:1/fhir'}\n";
    fails("bpe.endpoint is set, and roles has fhir");
  }
  SECTION("an allow-list where it has no effect") {
    s.replace("roles: [fhir, bpe]", "roles: [bpe]");
    s.settings += "bpe: {endpoint: 'https://localhost:1/fhir'}\n";
    fails("the allow-list belongs to the FHIR endpoint");
  }
}
