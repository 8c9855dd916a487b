// For tests: a port that keeps what it was asked and answers with values that differ in every field.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "site/admin/admin_port.hpp"

namespace dsf::site {

struct fake_port : admin_port {
  site_status status_value{"name", "org", "1.2", {"fhir", "bpe"}, true, "nrb", true, "rob", {1}, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  instance_summary summary{"id", "p|1", "bk", "running", {1}, {2}, {"a", "b"}, 3, "reason"};
  instance_filter asked_instances;
  incident_filter asked_incidents;
  start_request asked_start;
  user_task_completion asked_completion;
  std::string asked;
  std::mutex mutex;
  std::map<std::uint64_t, std::function<void(const site_event_line&)>> listeners;
  std::uint64_t next = 1;

  base::result<site_status> status() override { return status_value; }
  base::result<instance_page> list_instances(const instance_filter& f) override {
    asked_instances = f;
    return instance_page{{summary, summary}, "next"};
  }
  base::result<instance_detail> show_instance(const std::string& id) override {
    if (id == "none") return base::fail(admin_errc::not_found, "there is no instance 'none'; `dsfctl instances` lists them", "none");
    return instance_detail{
        summary,
        {{"message", "catch", "pong", {5}, {6}, "w"}},
        {{"v", "string", "text", "scope"}},
        {{"Task/1", "start", "in-progress", "ping", "site-b", {{"http://dsf.dev/fhir/CodeSystem/ping", "summary", "all is well"}}}},
        7};
  }
  base::result<incident_page> list_incidents(const incident_filter& f) override {
    asked_incidents = f;
    return incident_page{{{"i", "inst", "p|1", "bk", "act", "err", {4}, 5}}, "n"};
  }
  base::result<> retry_incident(const std::string& id) override { return note("retry " + id); }
  base::result<> cancel_incident(const std::string& id) override { return note("cancel " + id); }
  base::result<> cancel_instance(const std::string& id, const std::string& reason) override {
    return note("cancel instance " + id + " " + reason);
  }
  base::result<std::vector<why_answer>> why(const std::string& key) override {
    return std::vector<why_answer>{
        {"inst", "p|1", "running", "It waits for " + key + ".", {{"timer", "t", "d", {1}, {2}, ""}}, {3}, "refused", "do this"}};
  }
  base::result<std::vector<partner_status>> partners() override {
    return std::vector<partner_status>{{"org", "https://b/fhir", 1, 2, 3, 4, {5}, {6}, "err", {7}, {"net: DIC"}, true}};
  }
  base::result<started_task> start_task(const start_request& r) override {
    asked_start = r;
    return started_task{"Task/1", "bk"};
  }
  base::result<> complete_user_task(const user_task_completion& c) override {
    asked_completion = c;
    return {};
  }
  base::result<> import(const std::string& path, const std::function<bool(const import_progress&)>& progress) override {
    for (std::uint64_t i = 1; i <= 1000; ++i)
      if (!progress({1, 0, 1000, i, i, 2, path, i == 1000})) return note("import stopped");
    return note("import finished");
  }
  base::result<std::uint64_t> cohort_count(const std::string& ccdl) override {
    if (ccdl.empty()) return base::fail(admin_errc::invalid, "the query is empty");
    return ccdl.size();
  }
  base::result<std::vector<actor_status>> actors(std::uint32_t limit) override {
    return std::vector<actor_status>(limit, {"a", "site", -1, 2, 3});
  }
  base::result<worker_list> workers() override {
    return worker_list{{{"s", "host:1", "p", "socket", {"k||C", "k|1.0|D"}, 4, 2, 9, 1, true, {5}, {6}}}, 3};
  }
  base::result<deploy_result> deploy_plugin(const std::string& path) override { return deploy_result{path, "1.0", {"p|1.0"}, 4, {"w"}}; }
  base::result<plugin_list> plugins() override {
    return plugin_list{{{"good", "1.0.0.0", "/p/good", true, {{"p|1.0", "draft", "b"}}, {}, {"w"}, {1}},
                        {"bad", "2.0.0.0", "/p/bad", false, {}, {"first reason", "second reason"}, {}, {2}}},
                       {{"gone|1.0", "excluded", "no plugin here has it"}}};
  }
  base::result<deploy_result> remove_plugin(const std::string& name, const std::string& version) override {
    return deploy_result{name, version, {"p|1.0"}, 4, {}};
  }
  base::result<> erase_data(const std::string& what, bool for_ever) override {
    if (!for_ever) return base::fail(admin_errc::invalid, "say that it is meant", what);
    return note("erase " + what);
  }
  base::result<process_state_line> set_process_state(const std::string& process, const std::string& state) override {
    return process_state_line{process, state, "an operator wants it"};
  }
  base::result<> hold_handler(const std::string& name, bool hold) override { return note((hold ? "hold " : "release ") + name); }
  base::result<retention_overview> retention() override {
    return retention_overview{{{"tasks", "P30D", 7}, {"binaries", "never", 0}}, 4, 1, {5}, 6, {7}, "disk"};
  }
  base::result<retention_result> run_retention(bool dry_run) override {
    return retention_result{{{"tasks", "P30D", 2}, {"binaries", "never", 0}}, 9, 3'000, dry_run};
  }
  base::result<> back_up(const std::string& destination, const std::string& keys,
                         const std::function<bool(const store_copy_progress&)>& progress) override {
    if (destination == "full") return base::fail(admin_errc::invalid, "this folder is not empty", destination);
    for (std::uint64_t i = 1; i <= 100; ++i)
      if (!progress({i, 10 * i, 3, 4, i == 100})) return note("backup stopped");
    return note("backup " + destination + " " + keys);
  }
  base::result<store_copy_progress> write_data_keys(const std::string& file) override {
    asked = "keys " + file;
    return store_copy_progress{0, 0, 3, 4, true};
  }
  base::result<restored_overview> restored() override {
    restored_overview o{"2026-11-22T03:00:00Z", {}, 2, 1, 1, 0};
    o.lines = {{"message", "i1", "ping|1.0", "k1", "pong", "hospital-b.example", {5}, "yes"},
               {"message", "i2", "ping|1.0", "k2", "ping", "hospital-c.example", {6}, "unknown: connection refused"},
               {"task", {}, "http://x/ping|1.0", {}, "Task/1", "hospital-b.example", {7}, {}},
               {"handler", "i1", "ping|1.0", "k1", "SendPong", {}, {8}, {}}};
    return o;
  }
  base::result<> release_restored() override { return note("release"); }
  base::result<> shutdown(const std::string& reason) override { return note("shutdown " + reason); }
  std::uint64_t subscribe(std::function<void(const site_event_line&)> l) override {
    std::lock_guard lock(mutex);
    listeners.emplace(next, std::move(l));
    return next++;
  }
  void unsubscribe(std::uint64_t token) override {
    std::lock_guard lock(mutex);
    listeners.erase(token);
  }
  void publish(const site_event_line& e) {
    std::lock_guard lock(mutex);
    for (auto& [token, l] : listeners) l(e);
  }
  std::size_t watchers() {
    std::lock_guard lock(mutex);
    return listeners.size();
  }
  base::result<> note(std::string what) {
    asked = std::move(what);
    return {};
  }
};

}  // namespace dsf::site
