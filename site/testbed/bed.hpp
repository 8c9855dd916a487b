// One site without a network, for tests of processes: the real engine, endpoint and worker host over a store in memory, with a clock that moves
// when the test says so and partners that answer as the test says. All of it but workers and their calls lives on the caller's thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "actors/definitions.hpp"
#include "actors/endpoint_caches.hpp"
#include "actors/engine.hpp"
#include "actors/fhir_endpoint.hpp"
#include "plugins/bundle.hpp"
#include "plugins/host_services.hpp"
#include "plugins/workers/worker_host.hpp"
#include "site/testbed/scripted_partners.hpp"
#include "site/testbed/through_main.hpp"
#include "storage/memory_kv.hpp"

namespace dsf::site {

// Moves by hand, and is read from the workers' threads, too.
class bed_clock final : public base::clock {
public:
  base::timestamp now() const override { return {us_.load()}; }
  std::int64_t steady_us() const override { return us_.load(); }
  void set(base::timestamp t) { us_.store(t.us); }

private:
  std::atomic<std::int64_t> us_{0};
};

struct bed_member {
  std::string organization, role, endpoint, url, thumbprint;
};

struct bed_config {
  std::string socket;
  std::vector<std::string> bundles;  // folders
  std::string plugin;  // of the workers
  std::set<std::string> processes;  // whose handlers are workers; empty: all of the bundles
  bool builtin = false;  // none: handlers are those of this program
  std::vector<bed_member> members;  // the first is the site itself
  std::string parent_organization;
  std::map<std::string, std::string> settings;
  std::map<std::string, std::string> connections;  // FHIR servers beside the network: name to base address
  base::timestamp start;
  std::int64_t patience_us = 10'000'000;  // how long handlers may take, on a real clock
  std::string log;  // file; empty: none

  static base::result<bed_config> read(const base::json& document);
};

// A message of a deployed process: what a Task that carries it must name.
struct bed_message {
  std::string process, canonical, name, profile;
};

class bed {
public:
  static base::result<std::unique_ptr<bed>> open(bed_config config);
  ~bed();

  // One command of the test (site/testbed/README.md); the answer's members beside "ok".
  base::result<base::json> carry_out(const base::json& command);
  // What workers and their calls left for this thread, outside any command; at most so long.
  void look_around(std::int64_t at_most_us);

private:
  bed() = default;
  base::result<> prepare();  // resources, allow-list, bundles: with a commit thread, before the engine is there
  base::result<> assemble(bool by_hand);
  void take_apart();
  base::result<> deploy();
  void make_engine();

  bool step();
  base::result<> settle(bool wait);
  [[nodiscard]] base::timestamp next_event(base::timestamp at_most) const;
  base::result<> advance(base::timestamp to, bool wait);
  base::result<fhir::reply> call(const fhir::identity& who, fhir::interaction_request request);
  base::result<base::json> receive(const base::json& command);
  base::result<base::json> put(const base::json& command);
  base::result<base::json> read_resource(const base::json& command) const;
  base::result<base::json> script(const base::json& command);
  base::result<base::json> sent(const base::json& command) const;
  base::result<std::string> take_mail(const plugins::mail& m);
  base::json mails() const;
  [[nodiscard]] std::string connection_of(const std::string& url) const;  // its name; "" of none
  base::result<base::json> instances() const;
  base::result<fhir::identity> identity_of(const std::string& organization);
  base::result<bed_message> message_named(const std::string& name, const std::string& process) const;
  const bed_member& own() const { return config_.members.front(); }

  bed_config config_;
  bed_clock clock_;
  std::unique_ptr<base::logger> log_;
  std::shared_ptr<storage::memory_kv> rows_;
  std::unique_ptr<storage::store> store_;
  actors::site_events events_;
  actors::definitions definitions_;
  std::vector<plugins::bundle> bundles_;
  std::vector<bed_message> messages_;
  plugins::handler_registry workers_handlers_, handlers_;
  main_thread main_;
  open_attempts open_;
  scripted_partners partners_;
  mutable std::mutex mails_mutex_;
  base::json::array mails_;  // that processes sent
  std::unique_ptr<actors::endpoint_caches> caches_;
  std::unique_ptr<actors::work_pool> work_;
  std::unique_ptr<actors::fhir_endpoint> endpoint_;
  std::unique_ptr<plugins::host> host_;
  std::unique_ptr<plugins::worker_host> workers_;
  actors::engine_context context_;
  std::unique_ptr<actors::engine> engine_;
};

}  // namespace dsf::site
