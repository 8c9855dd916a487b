// The endpoint's WebSockets: who may bind which Subscription, and what of the feed goes to whom (dsf-fhir-server 5).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/endpoint_caches.hpp"
#include "actors/thread_drive.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "fhir/semantics/interaction.hpp"
#include "fhir/semantics/search/query.hpp"
#include "net/websocket.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

// Matching has a thread of its own and follows the feed: no commit and no request waits for it. A connection that hears nothing for a while because
// matching fell behind the feed's limit is cut; it comes back and searches for what it missed.
class subscriptions {
public:
  subscriptions(fhir::endpoint_config config, storage::store& store, endpoint_caches& caches, base::clock& time, const base::logger& log,
                thread_drive* drive = nullptr);
  ~subscriptions();
  subscriptions(const subscriptions&) = delete;
  subscriptions& operator=(const subscriptions&) = delete;

  // For net::server_options::on_websocket. `path`: what stands behind the address of the endpoint.
  net::websocket_verdict judge(const net::request& request, std::string_view path);
  // From the store's commit listener.
  void changed();
  struct figures {
    std::size_t open = 0;
    std::size_t bound = 0;  // of them
  };
  [[nodiscard]] figures count() const { return {open_, bound_}; }
  // No connection is served after it; they end with the server.
  void stop();

private:
  struct binding {
    base::uuid subscription;
    std::string text;  // the criteria as written
    std::string type;
    fhir::search_query criteria;
    std::string payload;  // media type; empty: only a sign that something happened
    std::uint64_t after = 0;  // what was committed later is told
  };
  struct connection {
    net::websocket socket;
    fhir::certificate_facts certificate;
    fhir::identity who;
    std::vector<binding> bindings;
  };
  struct happening {
    enum class kind : std::uint8_t { opened, text, ended } what = kind::opened;
    std::uint64_t id = 0;
    std::string text;
    std::shared_ptr<connection> opened;
  };

  void loop();
  void tell(happening h);
  void handle(happening& h);
  void bind(std::uint64_t id, connection& c, std::string_view subscription);
  // Of what was bound before this commit.
  void unbind(base::uuid subscription, std::uint64_t sequence);
  // True if it has to be tried again soon.
  bool follow();
  void deliver(const storage::store_view& view, const storage::resource_change& change, std::uint64_t sequence);
  // Who it is by now; nothing: it may not hear of this.
  std::optional<fhir::identity> may_hear(const connection& c, const storage::store_view& view, const endpoint_facts& facts,
                                         const fhir::stored_resource& stored);
  void drop(std::uint64_t id, std::uint16_t code, std::string reason);
  [[nodiscard]] bool bound() const;

  fhir::endpoint_config config_;
  storage::store* store_;
  endpoint_caches* caches_;
  base::clock* clock_;
  thread_drive* drive_;
  const base::logger* log_;
  // Of the thread.
  std::map<std::uint64_t, std::shared_ptr<connection>> connections_;
  std::uint64_t position_ = 0;
  // Shared.
  std::atomic<std::size_t> open_{0}, bound_{0};
  std::atomic<std::uint64_t> next_id_{1};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<happening> happenings_;
  std::map<std::uint64_t, int> texts_waiting_;
  bool feed_grew_ = false;
  bool stopping_ = false;
  std::unique_ptr<thread_drive::running> thread_;
};

}  // namespace dsf::actors
