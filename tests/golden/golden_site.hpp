// A site for golden stores: a store on the disk, an engine, handlers that fail when told to, a network that refuses or takes everything, and a
// clock that can be set. It needs nothing but the store: definitions are read from it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/engine.hpp"
#include "actors/instance_host.hpp"
#include "net/transport.hpp"

namespace dsf::tests {

// Real time that can be moved.
class moved_clock final : public base::clock {
public:
  base::timestamp now() const override { return {base::system_clock_source().now().us + by_us_.load()}; }
  std::int64_t steady_us() const override { return base::system_clock_source().steady_us() + by_us_.load(); }
  void move(std::int64_t us) { by_us_ += us; }
  void set(base::timestamp t) { by_us_ += t.us - now().us; }

private:
  std::atomic<std::int64_t> by_us_ = 0;
};

class golden_network final : public net::transport {
public:
  void send(net::client_request request, std::int64_t timeout_ms, net::client_callback done) override;
  std::atomic<bool> answers{false};
  // Identifiers of the Tasks that were taken, in order.
  std::vector<std::string> taken() const;

private:
  mutable std::mutex mutex_;
  std::vector<std::string> taken_;
};

class golden_site {
public:
  // Opens the store in this folder; `create`: makes it, with the models as deployed definitions.
  static base::result<std::unique_ptr<golden_site>> open(const std::filesystem::path& folder, bool create);
  ~golden_site();

  void start_engine();
  void stop_engine();
  base::result<> close();

  // A requested Task for goldenexample_<process>, received as from another site. Returns its id.
  base::result<std::string> post(const std::string& process, const std::string& message, const std::string& business_key);
  base::result<> signal(const std::string& name);
  // A resource as an operation of a commit, with its index entries.
  static base::result<storage::put_resource> put(const base::json& resource, base::uuid id);
  base::result<> command(std::uint64_t instance, bpmn::command what);
  base::result<std::string> status_of_task(const std::string& id) const;

  // All instances of the store, by business key.
  base::result<std::map<std::string, std::uint64_t>> instances() const;
  base::result<actors::instance_host> load(std::uint64_t instance, bool before_end = false) const;
  // "message wait", "user task decide": kind and activity, sorted.
  base::result<std::vector<std::string>> waits(std::uint64_t instance) const;
  [[nodiscard]] std::size_t rows(storage::table t) const;

  [[nodiscard]] storage::store& store() { return *store_; }
  moved_clock clock;
  golden_network network;
  std::atomic<bool> handlers_fail{false};
  std::atomic<int> worked{0};  // golden.Work that did not fail
  std::atomic<int> checked{0}, checked_wrong{0};  // golden.Check: the variables were as golden.Fill set them, or not

private:
  golden_site();
  base::result<> deploy_models();
  base::result<> read_definitions();
  void register_handlers();

  base::logger log_;
  std::unique_ptr<storage::store> store_;
  actors::definitions definitions_;
  plugins::handler_registry handlers_;
  actors::site_events events_;
  actors::engine_context context_;
  std::mutex engine_mutex_;
  std::shared_ptr<actors::engine> engine_;
};

// What golden.Fill sets: a value of each kind, and one above 4 KiB. Never changed: stores in tests/golden/stores hold them.
std::vector<std::pair<std::string, bpmn::value>> golden_values();

// A Group whose first version was changed once and then deleted.
inline constexpr const char* golden_group = "6f0a5c1e-0000-4000-8000-000000000001";

}  // namespace dsf::tests
