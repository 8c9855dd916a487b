// The FHIR endpoint: HTTP requests become interactions, prepared in parallel, ordered by the store's commit thread (docs/design.md, "Life of a Task").
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "actors/endpoint_caches.hpp"
#include "actors/site_events.hpp"
#include "actors/work_pool.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/log.hpp"
#include "fhir/semantics/interaction.hpp"
#include "net/http.hpp"
#include "net/https_server.hpp"
#include "storage/store.hpp"

namespace dsf::storage {
class ordered_index;
}

namespace dsf::actors {

// A write that changes who may do what, or that takes something away for ever: Organization, Endpoint, OrganizationAffiliation, and purges.
struct notable_write {
  fhir::resource_write::kind what = fhir::resource_write::kind::create;
  std::string type;
  base::uuid id;
  std::uint64_t version = 0;  // 0: of a purge
};

struct endpoint_options {
  std::string base_path = "/fhir";  // where the endpoint is mounted
  fhir::endpoint_config config;
  bool inbox = true;  // an engine of this program takes requested Tasks; false: another program reads them here
  std::size_t inline_body_bytes = 64 << 10;  // larger bodies are prepared on the work threads
  std::uint64_t binary_bytes = std::uint64_t{1} << 30;  // of a Binary that comes as bytes
  std::uint64_t binary_resource_bytes = std::uint64_t{352} << 20;  // of one in FHIR JSON or XML: 256 MiB of data and what is around them
  std::uint64_t body_bytes = 16 << 20;  // of such a resource without its data
  // After its commit, on any thread; must not block. `peer` is null when the site itself writes.
  std::function<void(const fhir::identity& who, const net::peer* peer, const notable_write& write)> on_notable_write;
  // Before anything else is done for a request, on an io thread: 0, or for how many seconds its caller has to wait. `who` is null for one that is
  // not on the allow-list.
  std::function<int(const fhir::identity* who, const net::peer& peer)> throttle;
};

class fhir_endpoint {
public:
  // Asks another server with HEAD and hands over its status, 0 if there was no answer (dsf-fhir-server 4.2).
  using head_check = std::function<void(const std::string& url, std::function<void(int)>)>;
  // Runs a job alone among those of a resource type: the resource-type actor (docs/design.md, decision 1).
  using run_alone = std::function<void(const std::string& type, std::function<void(std::function<void()> release)>)>;

  fhir_endpoint(endpoint_options options, storage::store& store, endpoint_caches& caches, work_pool& work, head_check head, run_alone alone,
                base::clock& time, base::entropy& entropy, const base::logger& log, site_events& events);

  // For server_options::on_body: bytes of a Binary go to a blob as they come, from callers who may store them; what is refused is refused before.
  net::body_verdict judge_body(const net::request& head);
  // From an https server; never blocks the caller's thread on the disk or a commit.
  void handle(net::request&& request, net::responder answer);

  // Removes files of Binaries that no version refers to any more, of one Binary or of all; may take a while.
  void sweep_blobs(std::optional<base::uuid> of = {});

  // Adds to the commit of an interaction what must be true and written with it.
  using extend = std::function<void(storage::commit&, const fhir::write_set&)>;
  // The same for the site itself (bootstrap, deployment, the engine's own handlers), as `who`. A conflict in what `more` added is answered 409.
  void handle_as(const fhir::identity& who, fhir::interaction_request request, std::function<void(fhir::reply)> done,
                 extend more = nullptr);
  // The same for a POST of a Binary whose resource has no data: `content` gives the bytes in pieces, an empty one at the end. Blocks until they are in a
  // file or in the resource. An error: they are not, and nobody is called.
  base::result<void> upload_as(const fhir::identity& who, fhir::interaction_request request,
                               const std::function<base::result<std::string>()>& content, std::function<void(fhir::reply)> done,
                               extend more);

private:
  struct exchange;
  void start(std::shared_ptr<exchange> e);
  void prepare(const std::shared_ptr<exchange>& e);
  void next_entry(const std::shared_ptr<exchange>& e);  // of a batch
  // Calls `judge` with the site's facts and a snapshot of the same moment, or answers 503.
  void look(const std::shared_ptr<exchange>& e, const std::function<void(const fhir::interaction_context&)>& judge);
  void check_externals(const std::shared_ptr<exchange>& e, fhir::pending_commit pending, std::size_t next);
  void submit(const std::shared_ptr<exchange>& e, fhir::pending_commit pending);
  void tell_notable(exchange& e, std::span<const fhir::written> written) const;
  void refused(const std::shared_ptr<exchange>& e, const base::error& why);
  // 503 with the store's reason, in words that other sites may read.
  void unavailable(const std::shared_ptr<exchange>& e);
  net::response render_fault_of_bytes(const fhir::interaction_request& request, const base::error& why);
  fhir::reply no_room_for_bytes(const fhir::interaction_request& request, const base::error& why);
  // Of a Binary: its bytes may lie in a blob.
  [[nodiscard]] net::response render_binary(fhir::reply r);
  base::result<void> name_blob(const std::shared_ptr<exchange>& e, storage::commit& c);
  [[nodiscard]] bool starts_new_work(const fhir::pending_commit& pending) const;
  void finish(const std::shared_ptr<exchange>& e, fhir::reply r);

  endpoint_options options_;
  storage::store* store_;
  endpoint_caches* caches_;
  work_pool* work_;
  head_check head_;
  run_alone alone_;
  base::clock* clock_;
  base::entropy* entropy_;
  const base::logger* log_;
  site_events* events_;
  std::shared_ptr<storage::ordered_index> tasks_;  // searches for Tasks are the ones that grow with the site
};

// Turns a reply into an HTTP response: XML or JSON, pretty, summary. May be slow for large bodies.
net::response render(fhir::reply reply);

}  // namespace dsf::actors
