// Host services over the connection: each call is carried out against plugins::services on a thread of its own pool. Private to plugins/workers/.
#pragma once

#include "actors/work_pool.hpp"
#include "plugins/workers/dispatcher_impl.hpp"

namespace dsf::plugins::workers {

class entitlement;

class host_calls {
public:
  using services_for = std::function<std::unique_ptr<services>(const activation&)>;
  host_calls(worker_options options, services_for make, base::entropy& entropy)
      : options_(std::move(options)), make_(std::move(make)), entropy_(entropy), threads_(options_.call_threads) {}

  void run(host_call call);
  // What runs is finished; what waits is dropped.
  void stop() { threads_.stop(); }

  // On the caller's thread.
  pb::ServiceResult answer(const host_call& call);

private:
  base::result<> fill(const host_call& call, services& s, pb::ServiceResult& out);
  base::result<> fhir(const host_call& call, const entitlement& may, services& s, pb::ServiceResult& out);
  base::result<> state(const host_call& call, services& s, pb::ServiceResult& out);
  // With what keeps it alive; the own endpoint belongs to the services.
  base::result<std::shared_ptr<fhir_client>> server(const pb::FhirServer& which, const entitlement& may, services& s) const;

  const worker_options options_;
  const services_for make_;
  base::entropy& entropy_;
  actors::work_pool threads_;
};

}  // namespace dsf::plugins::workers
