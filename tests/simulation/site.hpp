// One whole site without threads: store, endpoint, handlers' host, engine; put together as site/running does, and turned by hand.
#pragma once

#include <memory>
#include <string>

#include "actors/definitions.hpp"
#include "actors/endpoint_caches.hpp"
#include "actors/engine.hpp"
#include "actors/fhir_endpoint.hpp"
#include "actors/link/endpoint_link.hpp"
#include "actors/site_events.hpp"
#include "actors/subscriptions.hpp"
#include "actors/work_pool.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/log.hpp"
#include "net/transport.hpp"
#include "plugins/handler.hpp"
#include "plugins/host_services.hpp"
#include "storage/memory_kv.hpp"
#include "storage/store.hpp"

namespace dsf::simulation {

// A site is one program, or two: the endpoint, and the engine that lives on copies of the endpoint's Tasks.
enum class part : std::uint8_t { whole, endpoint, engine };

struct site_settings {
  unsigned number = 0;
  std::shared_ptr<storage::memory_kv> rows;
  actors::definitions* processes = nullptr;
  const plugins::handler_registry* handlers = nullptr;
  base::clock* clock = nullptr;
  base::entropy* entropy = nullptr;
  net::transport* transport = nullptr;      // null: a site that is being set up has no engine
  std::size_t group_commits = 1'000;
  // How long a Task that nobody waits for is kept; partitions last longer.
  std::int64_t correlation_buffer_us = 10 * base::us_per_s;
  std::shared_ptr<base::log_sink> log_sink;  // null: none
  part is = part::whole;
  // Of the halves of a split site.
  actors::thread_drive* drive = nullptr;
  std::function<void(net::websocket_handlers, std::function<void(net::result<net::websocket>)>)> open_socket;  // to the endpoint
};

// From its start to its end or its crash.
class site_parts {
public:
  explicit site_parts(site_settings settings);
  ~site_parts();

  // The own endpoint's answer; turns this site's store and work until it is there.
  fhir::reply call(const fhir::identity& who, fhir::interaction_request request);
  [[nodiscard]] std::string base_url() const;
  base::result<storage::put_resource> write_task(const base::json& task, base::uuid id) const;
  // As the site's caretaker after a failed write (docs/design.md, decision 18): another engine goes on from what the store holds.
  base::result<> bring_back();
  // Something to do for the endpoint or the store: done. False: nothing.
  bool turn();

private:
  void make_engine();
  void make_link();

public:
  site_settings settings;
  std::unique_ptr<base::logger> log;
  std::unique_ptr<storage::store> store;
  std::unique_ptr<actors::endpoint_caches> caches;
  std::unique_ptr<actors::work_pool> work;
  actors::site_events events;
  std::unique_ptr<actors::fhir_endpoint> endpoint;
  std::unique_ptr<plugins::host> host;
  actors::engine_context context;
  std::unique_ptr<actors::engine> engine;  // null: an endpoint, or a site that is being set up
  std::unique_ptr<actors::subscriptions> subscribers;
  std::unique_ptr<plugins::fhir_client> outside;
  std::unique_ptr<actors::endpoint_link> link;
};

// The own endpoint as the local organisation sees it, while the site is set up.
class own_endpoint final : public plugins::fhir_client {
public:
  explicit own_endpoint(site_parts& of) : site_(&of) {}
  base::result<base::json> read(std::string_view type, std::string_view id, std::uint64_t version) override;
  base::result<base::json> search(std::string_view query) override;
  base::result<base::json> create(const base::json& resource, std::string_view idempotency_key) override;
  base::result<base::json> transaction(const base::json& bundle) override;

private:
  base::result<base::json> call(fhir::interaction_request request);
  site_parts* site_;
};

}  // namespace dsf::simulation
