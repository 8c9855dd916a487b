// A site inside this program: store, FHIR endpoint and engine wired as dsfd wires them, without servers.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "actors/engine.hpp"
#include "actors/fhir_endpoint.hpp"
#include "bench/task_text.hpp"
#include "plugins/host_services.hpp"

namespace dsf::bench {

struct engine_site_options {
  std::filesystem::path folder;
  bool with_engine = true;       // without: Tasks stay in the inbox
  std::filesystem::path models;  // the folder of bench's bundles
};

// A message that cannot go anywhere: these processes send none.
class no_network final : public net::transport {
public:
  void send(net::client_request request, std::int64_t timeout_ms, net::client_callback done) override;
};

class engine_site {
public:
  // Creates the store, or opens it again. Allow-list and bundles are loaded; the engine receives when this returns.
  static base::result<std::unique_ptr<engine_site>> open(const engine_site_options& options);
  ~engine_site();

  // The entries of each group of commits, on the commit thread. An empty function: nobody watches.
  void watch(std::function<void(std::span<const storage::feed_entry>)> what);
  // POST as the local organisation; `done` may run on the commit thread.
  void post_task(std::string body, std::function<void(fhir::reply)> done, actors::fhir_endpoint::extend more = nullptr);
  // The same, waiting for the answer.
  fhir::reply post_task_and_wait(std::string body, actors::fhir_endpoint::extend more = nullptr);

  [[nodiscard]] storage::store& store() { return *store_; }
  [[nodiscard]] actors::definitions& definitions() { return definitions_; }
  [[nodiscard]] const actors::engine_context& context() const { return context_; }

private:
  engine_site() = default;
  base::result<> load(const std::filesystem::path& models);
  base::result<> load_resources();
  base::result<> settle();
  fhir::reply call(const fhir::identity& who, fhir::interaction_request request, actors::fhir_endpoint::extend more);

  std::unique_ptr<base::logger> log_;
  std::unique_ptr<storage::store> store_;
  actors::site_events events_;
  actors::definitions definitions_;
  plugins::handler_registry handlers_;
  no_network network_;
  std::unique_ptr<actors::endpoint_caches> caches_;
  std::unique_ptr<actors::work_pool> work_;
  std::unique_ptr<actors::fhir_endpoint> endpoint_;
  std::unique_ptr<plugins::host> host_;
  actors::engine_context context_;
  std::unique_ptr<actors::engine> engine_;
  fhir::identity local_;
  std::mutex watch_mutex_;
  std::function<void(std::span<const storage::feed_entry>)> watch_;
};

// The id in the Location header of a 201; nothing for any other answer.
std::optional<base::uuid> created_id(const fhir::reply& reply);
std::string describe(const fhir::reply& reply);

}  // namespace dsf::bench
