#include "site/ctl/plugin_test_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "site/admin/admin_port.hpp"
#include "site/ctl/demo/child.hpp"
#include "site/ctl/testbed_program.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::json;
using base::result;

constexpr std::string_view bpmn_message = "http://dsf.dev/fhir/CodeSystem/bpmn-message";
constexpr int worker_start_ms = 15'000, look_every_ms = 50;

// valueInteger: "3" is a number; texts stay texts.
json value_of(const std::string& member, const json& given) {
  const bool typed = member == "valueBoolean" || member == "valueInteger" || member == "valueDecimal" || member == "valuePositiveInt" ||
                     member == "valueUnsignedInt";
  if (!typed || !given.is_string()) return given;
  auto read = json::parse(given.str());
  return read ? std::move(*read) : given;
}

// {system, code, value}, {system, code, valueInteger: 3} and the like, or an element as it is.
json input_of(const json& given) {
  if (!given["type"].is_null()) return given;
  json out =
      json::object{{"type", json::object{{"coding", json::array{json::object{{"system", given["system"]}, {"code", given["code"]}}}}}}};
  if (const auto* members = given.if_object())
    for (const auto& [name, value] : *members) {
      if (name == "value") out.set("valueString", value);
      if (name.size() > 5 && name.starts_with("value")) out.set(name, value_of(name, value));
    }
  return out;
}

// Of Task.input or Task.output; "" if there is none.
std::string parameter(const json& elements, std::string_view system, std::string_view code) {
  for (const auto& e : elements)
    for (const auto& c : e["type"]["coding"])
      if (c["code"].str() == code && (system.empty() || c["system"].str() == system))
        if (const auto* members = e.if_object())
          for (const auto& [name, value] : *members)
            if (name.starts_with("value")) return value.is_string() ? value.str() : value.dump();
  return {};
}

class test_run {
public:
  test_run(const plugins::bundle_test& test, const plugin_test_setup& setup) : test_(test), setup_(setup) {}

  result<> open() {
    auto command = test_.worker.empty() ? setup_.worker : test_.worker;
    const auto socket = (fs::path(setup_.folder) / "workers.sock").string();
    json::array bundles{json(fs::absolute(setup_.bundle).lexically_normal().string())}, processes;
    json settings = json::object{};
    for (const auto& from : {setup_.settings, test_.settings})
      for (const auto& [name, value] : from) settings.set(name, value);
    if (!command.empty())
      for (const auto& p : setup_.in_workers) processes.push_back(p);
    json config = json::object{{"socket", socket},
                               {"bundles", std::move(bundles)},
                               {"plugin", test_.plugin.empty() ? setup_.plugin : test_.plugin},
                               {"builtin", command.empty()},
                               {"processes", std::move(processes)},
                               {"site", json::object{{"organization", "site.test"}, {"role", "HRP"}}},
                               {"partners", test_.partners},
                               {"settings", std::move(settings)},
                               {"log", (fs::path(setup_.folder) / "site.log").string()}};
    site_.emplace(TRY(testbed_program::start(setup_.testbed, config)));
    if (command.empty()) return {};
    // As in the bundle's folder: ./worker.py is the plugin's own.
    std::error_code ec;
    const auto own = fs::absolute(setup_.bundle) / command.front();
    if (command.front().find('/') != std::string::npos && fs::exists(own, ec)) command.front() = fs::canonical(own, ec).string();
    command.insert(command.begin(), {"/usr/bin/env", "DSFD_WORKER_SOCKET=" + socket});
    worker_ = TRY(child::start(command, worker_log()));
    for (int waited = 0; waited < worker_start_ms; waited += look_every_ms) {
      if (TRY(site_->exchange(json::object{{"do", "workers"}}))["workers"].size() > 0) return {};
      if (!worker_.running()) break;
      ::usleep(look_every_ms * 1'000);
    }
    return fail(admin_errc::unavailable, "the worker does not come to the site; its output: " + worker_log());
  }
  ~test_run() {
    site_.reset();
    if (worker_.started()) worker_.stop(5'000);
  }

  result<> run() {
    for (const auto& step : test_.steps)
      if (auto done = perform(step); !done) return base::failure(std::move(done).error().at(step.place));
    return {};
  }
  // Of the last Task that began something.
  result<json> task() { return TRY(site_->exchange(json::object{{"do", "read"}, {"type", "Task"}, {"id", started_}}))["resource"]; }
  // By its business key: that is in the Task, and no two running instances of a process have the same.
  result<json> instance() {
    const auto t = TRY(task());
    const auto key = parameter(t["input"], bpmn_message, "business-key");
    const auto answer = TRY(site_->exchange(json::object{{"do", "instances"}}));
    for (const auto& i : answer["instances"])
      if (i["business_key"].str() == key && !key.empty()) return i;
    return json{};
  }

private:
  std::string worker_log() const { return (fs::path(setup_.folder) / "worker.log").string(); }

  result<> perform(const plugins::bundle_test_step& step) {
    const auto& w = step.with;
    if (step.what == "start" || step.what == "receive") return receive(step.what, w);
    if (step.what == "advance") return done(site_->exchange(json::object{{"do", "advance"}, {"by", w["advance"]}}));
    if (step.what == "serve") return done(site_->exchange(json::object{{"do", "script"}, {"serve", w["serve"]}, {"body", w["resource"]}}));
    if (step.what == "script") {
      json::array answers;
      for (const auto& a : w["answers"]) answers.push_back(json::object{{"status", TRY(status_of(a.str()))}});
      return done(site_->exchange(json::object{{"do", "script"}, {"partner", w["script"]}, {"answers", std::move(answers)}}));
    }
    return expect(w["expect"]);
  }
  static result<> done(result<json> r) {
    TRY(std::move(r));
    return {};
  }
  static result<std::int64_t> status_of(const std::string& text) {
    if (text == "unreachable") return 0;
    if (auto n = json::parse(text); n && n->int_or(0) >= 100 && n->int_or(0) <= 599) return n->int_or(0);
    return fail(admin_errc::invalid, "an answer is an HTTP status or 'unreachable', not '" + text + "'");
  }

  result<> receive(const std::string& what, const json& w) {
    json command = json::object{{"do", "receive"}, {"message", w[what]}, {"from", w["from"]}, {"process", w["process"]}};
    auto business_key = w["business_key"].str(), correlation_key = w["correlation_key"].str();
    if (const auto& answers = w["answers"].str(); !answers.empty()) {
      const auto sent = TRY(site_->exchange(json::object{{"do", "sent"}}))["sent"];
      bool found = false;
      for (const auto& s : sent) {
        if (s["to"].str() != w["from"].str() || parameter(s["task"]["input"], bpmn_message, "message-name") != answers) continue;
        business_key = parameter(s["task"]["input"], bpmn_message, "business-key");
        correlation_key = parameter(s["task"]["input"], bpmn_message, "correlation-key");
        found = true;
      }
      if (!found) return fail(admin_errc::invalid, fmt::format("no message {} was sent to {}", answers, w["from"].str()));
    }
    command.set("business_key", business_key);
    command.set("correlation_key", correlation_key);
    json::array inputs;
    for (const auto& in : w["inputs"]) inputs.push_back(input_of(in));
    command.set("inputs", std::move(inputs));
    const auto answer = TRY(site_->exchange(command));
    if (w["answers"].is_null()) started_ = answer["task"].str();
    return {};
  }

  static result<> wrong(std::string_view what, std::string_view wanted, std::string_view is, std::string_view more = {}) {
    return fail(admin_errc::invalid, fmt::format("{} should be {}, and is {}{}", what, wanted, is.empty() ? "nothing" : is, more));
  }

  result<> expect(const json& e) {
    const auto t = TRY(task());
    const auto error = parameter(t["output"], bpmn_message, "error");
    const auto told = error.empty() ? std::string() : ": " + error;
    if (const auto& status = e["task"].str(); !status.empty() && t["status"].str() != status)
      return wrong("the Task", status, t["status"].str(), told);
    if (const auto& text = e["error"].str(); !text.empty() && error.find(text) == error.npos) return wrong("the error", text, error);
    for (const auto& o : e["outputs"]) {
      const auto is = parameter(t["output"], o["system"].str(), o["code"].str());
      const auto wanted = o["value"].str();
      if (is != wanted) return wrong("output " + o["code"].str(), wanted, is, told);
    }
    if (!e["state"].is_null() || !e["at"].is_null()) {
      const auto i = TRY(instance());
      if (const auto& state = e["state"].str(); !state.empty() && i["state"].str() != state)
        return wrong("the instance", state, i["state"].str(), told);
      for (const auto& activity : e["at"]) {
        bool there = false;
        for (const auto& a : i["activities"]) there = there || a == activity;
        if (!there) return wrong("the instance", "at " + activity.str(), "at " + i["activities"].dump());
      }
    }
    if (e["sent"].is_null()) return {};
    std::string wanted, is;
    for (const auto& s : e["sent"]) wanted += fmt::format("{}{} to {}", wanted.empty() ? "" : ", ", s["message"].str(), s["to"].str());
    const auto sent = TRY(site_->exchange(json::object{{"do", "sent"}}))["sent"];
    for (const auto& s : sent)
      is += fmt::format("{}{} to {}", is.empty() ? "" : ", ", parameter(s["task"]["input"], bpmn_message, "message-name"), s["to"].str());
    return is == wanted ? result<>{} : wrong("what was sent", wanted, is);
  }

  const plugins::bundle_test& test_;
  const plugin_test_setup& setup_;
  std::optional<testbed_program> site_;
  child worker_;
  std::string started_;
};

std::string what_waits(const json& instance) {
  std::string out;
  for (const auto& w : instance["waits"])
    out += fmt::format("{}{} at {}{}", out.empty() ? "" : "; ", w["kind"].str(), w["activity"].str(),
                       w["detail"].str().empty() ? "" : " (" + w["detail"].str() + ")");
  return out;
}

}  // namespace

plugin_test_result run_plugin_test(const plugins::bundle_test& test, bool draft, const plugin_test_setup& setup) {
  plugin_test_result out;
  out.test = test.name;
  for (const auto& step : test.steps)
    if (out.process.empty()) out.process = step.with["process"].str();
  if (out.process.empty())
    for (const auto& step : test.steps)
      if (const auto at = setup.starters.find(step.with[step.what].str()); out.process.empty() && at != setup.starters.end())
        out.process = at->second;
  const auto needs_worker = draft ? std::ranges::find(setup.in_workers, out.process) != setup.in_workers.end() : !setup.in_workers.empty();
  if (needs_worker && test.worker.empty() && setup.worker.empty()) {
    out.outcome = "skipped";
    out.detail = "its handlers run in a worker: name its command in the test (worker), or with --worker";
    return out;
  }
  test_run run(test, setup);
  auto done = run.open();
  if (done) done = run.run();
  if (!done) {
    out.outcome = "failed";
    out.detail = done.error().to_string();
    return out;
  }
  out.outcome = "ok";
  if (!draft) return out;
  // Nothing is expected of a draft's process but that it does not fail.
  const auto task = run.task();
  const auto instance = run.instance();
  if (!task || !instance) {
    out.outcome = "failed";
    out.detail = (task ? instance.error() : task.error()).to_string();
    return out;
  }
  const auto& status = (*task)["status"].str();
  const bool failed = status == "failed" || (*instance)["state"].str() == "incident";
  out.outcome = failed ? "failed" : status;
  out.detail = status == "failed" ? parameter((*task)["output"], bpmn_message, "error") : what_waits(*instance);
  return out;
}

}  // namespace dsf::site::ctl
