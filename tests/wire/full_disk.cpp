// A site whose disk becomes full and gets room again, seen from outside: nobody restarts it (docs/design.md, decision 18). The limit on the size of
// files plays the full disk, so that nobody needs to be root.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <sstream>

#include "base/entropy.hpp"
#include "base/json.hpp"
#include "base/uuid.hpp"
#include "site/admin/admin_client.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
using base::json;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t answer_timeout_ms = 15'000, work_timeout_ms = 60'000;
constexpr std::uint64_t far_below_all_files = 200 << 10;

// Begins with a handler, then waits for "go", then for a timer.
const std::string model = R"(<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
                  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="d" targetNamespace="http://dsf.dev/bpe/Process">
  <bpmn:process id="dsfdev_ping" isExecutable="true" camunda:versionTag="#{version}">
    <bpmn:startEvent id="Begin"><bpmn:messageEventDefinition id="Begin_message" messageRef="Message_ping"/></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="Begin" targetRef="Note"/>
    <bpmn:serviceTask id="Note" name="note it" camunda:class="dev.dsf.bpe.service.SelectPingTargets"/>
    <bpmn:sequenceFlow id="f2" sourceRef="Note" targetRef="Wait"/>
    <bpmn:intermediateCatchEvent id="Wait" name="go"><bpmn:messageEventDefinition id="Wait_message" messageRef="Message_go"/></bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f3" sourceRef="Wait" targetRef="Later"/>
    <bpmn:intermediateCatchEvent id="Later" name="later">
      <bpmn:timerEventDefinition id="Later_timer">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT2S</bpmn:timeDuration>
      </bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f4" sourceRef="Later" targetRef="End"/>
    <bpmn:endEvent id="End"/>
  </bpmn:process>
  <bpmn:message id="Message_ping" name="ping"/>
  <bpmn:message id="Message_go" name="go"/>
</bpmn:definitions>
)";

json body_of(const std::string& name) {
  auto text = read_text(fs::path(DSF_SOURCE_DIR) / "tests/wire/bodies" / (name + ".json"));
  const auto all = [&](const std::string& what, const std::string& by) {
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
  };
  all("http://wire.example/bpe/Process/${process}", "http://dsf.dev/bpe/Process/ping");
  all("REMOTE_ALL", "LOCAL_ALL");
  all("${self}", "site-a.example");
  return must(json::parse(text));
}

class filling_site : public lone_site {
public:
  filling_site() : filling_site(free_port()) {}
  explicit filling_site(std::uint16_t port) : lone_site(port), base_(fmt::format("https://localhost:{}/fhir", port)) {
    write_text(folder / "bundle/process.bpmn", model);
    write_text(
        folder / "bundle/plugin.yaml",
        "name: wait\nversion: 1.0.0.0\nrelease_date: 2026-01-01\nprocesses:\n  - model: process.bpmn\n    resources: [activity.json, "
        "task.json]\n");
    auto activity = body_of("any-activity-definition");
    auto& extensions = *activity.find("extension")->if_array();
    auto go = extensions.front();
    (*go.find("extension")->if_array())[0].set("valueString", "go");
    extensions.push_back(std::move(go));
    write_text(folder / "bundle/activity.json", activity.dump());
    write_text(folder / "bundle/task.json", body_of("any-task-profile").dump());
    status_port_ = free_port();
    replace("status: {port: 0}", fmt::format("status: {{port: {}}}", status_port_));
    replace("log: {file: log.jsonl}", "log: {file: log.jsonl, level: debug}");
    settings += "plugins: {folders: [bundle]}\n";
    net::client_options o;
    o.identity = must(net::tls_identity::load(
        {(folder / "client.pem").string(), (folder / "client.key").string(), {}, {}, (folder / "ca.pem").string()}));
    client_ = std::make_unique<net::https_client>(std::move(o));
  }

  net::client_response get(const std::string& path) {
    net::client_request q;
    q.url = base_ + "/" + path;
    q.headers = {{"Accept", "application/fhir+json"}};
    return must(client_->send_and_wait(std::move(q), answer_timeout_ms));
  }
  net::client_response status() {
    net::client_request q;
    q.url = fmt::format("http://127.0.0.1:{}/status", status_port_);
    return must(client_->send_and_wait(std::move(q), answer_timeout_ms));
  }
  net::client_response post_task(const std::string& message, const std::string& business_key, std::size_t more_bytes = 0) {
    auto task = body_of("any-task");
    auto& inputs = *task.find("input")->if_array();
    inputs[0].set("valueString", message);
    inputs[1].set("valueString", business_key);
    if (more_bytes > 0) {
      auto more = inputs[1];
      auto& coding = (*more.find("type")->find("coding")->if_array())[0];
      coding.set("system", "http://wire.example/codes");
      coding.set("code", "filling");
      std::string text;
      while (text.size() < more_bytes) text += base::uuid::random(base::system_entropy()).to_string();
      more.set("valueString", text);
      inputs.push_back(std::move(more));
    }
    net::client_request q;
    q.method = "POST";
    q.url = base_ + "/Task";
    q.headers = {{"Accept", "application/fhir+json"}, {"Content-Type", "application/fhir+json"}};
    q.body = task.dump();
    return must(client_->send_and_wait(std::move(q), answer_timeout_ms));
  }
  // The Task's id.
  std::string created(const net::client_response& answer) {
    INFO(answer.body.substr(0, 2'000));
    REQUIRE(answer.status == 201);
    return must(json::parse(answer.body))["id"].str();
  }
  std::string state_of(const std::string& task) {
    const auto answer = get("Task/" + task);
    REQUIRE(answer.status == 200);
    return must(json::parse(answer.body))["status"].str();
  }
  void wait_for(const std::string& task, const std::string& state) {
    for (std::int64_t waited = 0; state_of(task) != state; waited += 50) {
      INFO(task << " is " << state_of(task) << ", not " << state << "\n" << read_text(folder / "log.jsonl").substr(0, 20'000));
      REQUIRE(waited < work_timeout_ms);
      ::usleep(50'000);
    }
  }
  // Ids of all Tasks, with their business keys.
  std::map<std::string, std::string> all_tasks() {
    const auto answer = get("Task?_count=1000");
    REQUIRE(answer.status == 200);
    std::map<std::string, std::string> out;
    const auto bundle = must(json::parse(answer.body));
    for (const auto& e : bundle["entry"])
      if (e["resource"]["resourceType"].str() == "Task") out[e["resource"]["id"].str()] = e["resource"]["input"][1]["valueString"].str();
    REQUIRE(static_cast<std::int64_t>(out.size()) == bundle["total"].int_or(-1));
    return out;
  }
  std::uint64_t newest_log_bytes() {
    fs::path newest;
    for (const auto& f : fs::directory_iterator(folder / "store/rows"))
      if (f.path().extension() == ".log" && f.path() > newest) newest = f.path();
    return fs::file_size(newest);
  }

private:
  std::string base_;
  std::uint16_t status_port_ = 0;
  std::unique_ptr<net::https_client> client_;
};

void limit_files(pid_t of, rlim_t bytes) {
  rlimit now{};
  REQUIRE(::prlimit(of, RLIMIT_FSIZE, nullptr, &now) == 0);
  now.rlim_cur = bytes;
  REQUIRE(::prlimit(of, RLIMIT_FSIZE, &now, nullptr) == 0);
}

json outcome_of(const net::client_response& answer) {
  INFO(answer.status << " " << answer.body);
  CHECK(answer.headers.value("Content-Type").starts_with("application/fhir+json"));
  auto body = must(json::parse(answer.body));
  CHECK(body["resourceType"].str() == "OperationOutcome");
  return body["issue"][0];
}

}  // namespace

TEST_CASE("full disk: writes are refused, reads go on, and with room the site comes back by itself", "[disk]") {
  filling_site s;
  s.replace("low_water_mark: 0", "low_water_mark: 0, retry_seconds: 1");
  auto process = s.start();
  const auto pid = process.pid();
  site::admin_client admin(s.folder / "admin.sock");
  const auto key = [] { return base::uuid::random(base::system_entropy()).to_string(); };
  std::map<std::string, std::string> accepted;  // id -> business key
  std::set<std::string> refused;  // business keys
  const auto start = [&](const std::string& business_key, std::size_t bytes = 0) {
    const auto id = s.created(s.post_task("ping", business_key, bytes));
    accepted[id] = business_key;
    return id;
  };

  // One waits for a message, one for a timer that will be due when nothing can be written, one for its handler.
  const auto waits_key = key(), timer_key = key(), handler_key = key();
  const auto waits = start(waits_key), timer = start(timer_key);
  s.wait_for(waits, "in-progress");
  s.wait_for(timer, "in-progress");
  must(admin.hold_handler("dev.dsf.bpe.service.SelectPingTargets", true));
  const auto handler = start(handler_key);
  s.wait_for(handler, "in-progress");
  const auto go = s.created(s.post_task("go", timer_key));
  accepted[go] = timer_key;

  limit_files(pid, s.newest_log_bytes() + (200 << 10));
  net::client_response first_refused;
  for (int i = 0;; ++i) {
    REQUIRE(i < 1'000);
    const auto k = key();
    auto answer = s.post_task("ping", k, 5'000);
    if (answer.status != 201) {
      refused.insert(k);
      first_refused = std::move(answer);
      break;
    }
    accepted[s.created(answer)] = k;
  }
  limit_files(pid, far_below_all_files);
  CHECK(accepted.size() > 5);
  CHECK(first_refused.status == 503);
  const auto issue = outcome_of(first_refused);
  CHECK(issue["code"].str() == "transient");
  CHECK(issue["diagnostics"].str() == "This site's store takes no writes just now: the store's disk answered with an error");
  CHECK(first_refused.headers.value("Retry-After") == "5");

  const auto sequence = must(admin.status()).store_sequence;
  for (int second = 0; second < 3; ++second) {
    const auto k = key();
    const auto answer = s.post_task(second == 1 ? "go" : "ping", second == 1 ? waits_key : k);
    CHECK(answer.status == 503);
    CHECK(outcome_of(answer)["diagnostics"].str() == issue["diagnostics"].str());
    if (second != 1) refused.insert(k);
    CHECK(s.state_of(waits) == "in-progress");
    const auto told = s.status();
    CHECK(told.status == 503);
    INFO(told.body);
    CHECK(told.body.find("the store is read-only: ") != told.body.npos);
    CHECK(told.body.find("File too large") != told.body.npos);
    CHECK(told.body.find("it is tried again every 1 s") != told.body.npos);
    const auto operators = must(admin.status());
    CHECK(operators.read_only);
    CHECK_FALSE(operators.ready);
    CHECK(operators.read_only_because.find("File too large") != std::string::npos);
    CHECK(operators.store_sequence == sequence);
    ::usleep(1'000'000);
  }
  CHECK(s.all_tasks() == accepted);
  // An operator's command ends with an answer, too.
  CHECK_FALSE(admin.cancel_instance(handler_key, "not now"));

  limit_files(pid, RLIM_INFINITY);
  const auto late_key = key();
  std::string late;
  for (std::int64_t waited = 0; late.empty(); waited += 100) {
    REQUIRE(waited < work_timeout_ms);
    const auto answer = s.post_task("ping", late_key);
    if (answer.status == 201)
      late = s.created(answer);
    else
      CHECK(answer.status == 503);
    ::usleep(100'000);
  }
  accepted[late] = late_key;
  CHECK(process.running());
  CHECK(process.pid() == pid);

  s.wait_for(timer, "completed");
  s.wait_for(go, "completed");
  const auto went = s.created(s.post_task("go", waits_key));
  accepted[went] = waits_key;
  s.wait_for(waits, "completed");
  for (const auto& [task, k] : accepted)
    if (k != waits_key && k != timer_key) s.wait_for(task, "in-progress");
  const auto handler_went = s.created(s.post_task("go", handler_key));
  accepted[handler_went] = handler_key;
  s.wait_for(handler, "completed");
  CHECK(s.all_tasks() == accepted);
  for (const auto& [task, k] : accepted) CHECK_FALSE(refused.contains(k));
  CHECK(s.status().status == 200);
  CHECK(must(admin.status()).incidents == 0);

  // The outcome that could not be stored was asked for again, as the same job.
  std::istringstream log(read_text(s.folder / "log.jsonl"));
  std::vector<std::string> jobs;
  bool back = false;
  for (std::string line; std::getline(log, line);) {
    const auto j = json::parse(line);
    if (!j) continue;  // cut off by the limit
    back = back || (*j)["message"].str().starts_with("the store takes writes again");
    if ((*j)["message"].str() == "handler-started" && (*j)["businessKey"].str() == handler_key) jobs.push_back((*j)["job"].str());
  }
  CHECK(back);
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0] == jobs[1]);
  CHECK_FALSE(jobs[0].empty());
  CHECK(process.stop(15'000));

  // What the disk holds is what was answered, also for the next program.
  auto again = s.start();
  CHECK(s.all_tasks() == accepted);
  CHECK(again.stop(15'000));
}

TEST_CASE("full disk: below the low-water mark nothing new begins, and what runs is finished", "[disk]") {
  filling_site s;
  if (fs::space(s.folder.path()).available >= std::uint64_t{1} << 40) {
    WARN("SKIP: this machine has more free disk than the largest low-water mark");
    return;
  }
  const std::string running = "5f0a5c1e-0000-4000-8000-000000000001", fresh = "5f0a5c1e-0000-4000-8000-000000000002";
  std::string first;
  {
    auto process = s.start();
    first = s.created(s.post_task("ping", running));
    s.wait_for(first, "in-progress");
    CHECK(process.stop(15'000));
  }
  s.replace("low_water_mark: 0", "low_water_mark: 1TiB");
  auto process = s.start();
  const auto answer = s.post_task("ping", fresh);
  CHECK(answer.status == 503);
  CHECK(answer.headers.value("Retry-After") == "60");
  CHECK(outcome_of(answer)["diagnostics"].str().find("little room on its disk") != std::string::npos);
  CHECK(s.status().status == 200);
  const auto go = s.created(s.post_task("go", running));
  s.wait_for(go, "completed");
  s.wait_for(first, "completed");
  CHECK(s.all_tasks() == std::map<std::string, std::string>{{first, running}, {go, running}});
  CHECK(process.stop(15'000));
}
