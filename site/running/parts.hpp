// What a running site is made of. Private to site/running; members are destroyed in reverse order, after stop() has ended all that moves.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "actors/definitions.hpp"
#include "actors/endpoint_caches.hpp"
#include "actors/engine.hpp"
#include "actors/fhir_endpoint.hpp"
#include "actors/instance_host.hpp"
#include "actors/retention/keeper.hpp"
#include "actors/site_events.hpp"
#include "actors/subscriptions.hpp"
#include "actors/work_pool.hpp"
#include "net/https_client.hpp"
#include "net/https_server.hpp"
#include "plugins/handler.hpp"
#include "plugins/host_services.hpp"
#include "plugins/plugin_set.hpp"
#include "plugins/workers/worker_host.hpp"
#include "privacy/mapping.hpp"
#include "site/admin/admin_server.hpp"
#include "site/callers/front_door.hpp"
#include "site/callers/rate_limits.hpp"
#include "site/running/audit_trail.hpp"
#include "site/running/caretaker.hpp"
#include "site/running/engine_half.hpp"
#include "site/running/engine_slot.hpp"
#include "site/running/feasibility_stores.hpp"
#include "site/running/metrics.hpp"
#include "site/running/outside.hpp"
#include "site/running/running_site.hpp"
#include "storage/repository/repository.hpp"
#include "storage/store.hpp"

namespace dsf::site {

class pages;

struct running_site::parts {
  site_config config;
  base::timestamp started;
  std::unique_ptr<base::logger> log;
  std::unique_ptr<audit_trail> audit;
  std::unique_ptr<storage::store> store;
  std::unique_ptr<storage::repository> repository;
  std::optional<privacy::mapping> mapping;
  std::optional<privacy::ontology_tree> tree;
  actors::site_events events;
  actors::definitions definitions;
  plugins::handler_registry handlers;
  std::unique_ptr<actors::endpoint_caches> caches;
  std::unique_ptr<actors::work_pool> work;
  std::unique_ptr<net::https_client> client;
  std::map<std::string, connected_store> stores;  // clinical FHIR servers
  std::map<std::string, connected_store> connections;  // of fhir_connections
  std::unique_ptr<actors::fhir_endpoint> endpoint;
  std::unique_ptr<actors::subscriptions> subscribers;  // role fhir: WebSockets
  std::unique_ptr<engine_half> half;                   // role bpe without fhir
  std::unique_ptr<plugins::host> host;
  std::unique_ptr<plugins::worker_host> workers;  // null: no handlers run in workers
  std::unique_ptr<plugins::plugin_set> plugin_set;  // null without the role bpe
  actors::engine_context context;  // as the engine has it; for reading instances
  engine_slot engine;
  std::unique_ptr<caretaker> care;
  std::unique_ptr<actors::retention_keeper> retention;
  std::unique_ptr<metrics_state> metrics;
  std::unique_ptr<rate_limits> rates;  // null: no limit
  std::unique_ptr<net::https_client> provider_client;  // to the OpenID provider; calls back into:
  std::unique_ptr<front_door> door;                    // role fhir
  std::unique_ptr<pages> people;                       // role fhir: what browsers see
  std::optional<net::https_server> fhir_server, proxy_server, status_server;
  std::unique_ptr<admin_port> audited_port;
  std::optional<admin_server> admin;
  std::mutex held_mutex;
  std::atomic<bool> held = false;  // nothing goes on: the store was made of a backup that nobody has released
  std::mutex shutdown_mutex;
  std::function<void(std::string)> on_shutdown;
  bool stopped = false;

  base::result<> open();
  base::result<> open_repository();
  void open_workers();
  base::result<> bootstrap();
  base::result<> serve();
  base::result<> serve_fhir();
  // A request whose caller the front door knows.
  void serve_known(net::request&& r, net::responder answer);
  void make_engine();
  base::result<> look_whether_restored();
  // Engine, and connection to the endpoint elsewhere.
  void go_on();
  [[nodiscard]] base::result<> not_held() const;
  void start_retention();
  void stop();
  // Brings what waits for it to the endpoint elsewhere. An error: it has to be tried again.
  base::result<> deploy_elsewhere();
  base::result<storage::put_resource> task_put(const base::json& task, base::uuid id) const;
  [[nodiscard]] net::transport& others() { return half ? half->transport() : *client; }
  base::result<> deploy_plugins();
  base::result<std::uint64_t> count(const base::json& ccdl);
  // When the certificates in use end; to be called again when others are loaded.
  void note_certificates(const site_config& in_use);
  // Says in the log what ends soon, once for each of its stages.
  void warn_of_certificates();
  // The page /metrics. May read the store.
  std::string metrics_text();
  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::string not_ready_because() const;
  // The id, or the instances with this business key, running ones first.
  base::result<std::vector<std::uint64_t>> find(const std::string& id_or_business_key) const;
  base::result<actors::instance_host> load(std::uint64_t instance) const;
};

// Organisations, conformance resources and the allow-list, before anybody else can ask (dsf-fhir-server 6.3).
base::result<> load_bundled_resources(storage::store& store, actors::fhir_endpoint& endpoint, const fhir::identity& loader);
base::result<> load_allow_list(const std::string& file, storage::store& store, actors::fhir_endpoint& endpoint,
                               const fhir::identity& loader, const base::logger& log);

}  // namespace dsf::site
