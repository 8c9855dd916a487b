// The engine's half of a split site: its one connection to the FHIR endpoint, always outgoing (docs/design.md, decision 11).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "actors/link/arrivals.hpp"
#include "actors/link/deliveries.hpp"
#include "actors/link/trimming.hpp"
#include "actors/thread_drive.hpp"
#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/log.hpp"
#include "net/transport.hpp"
#include "net/websocket.hpp"
#include "plugins/handler.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

struct link_options {
  std::string base_url;                          // of the endpoint as this half reaches it, without a slash at its end
  std::int64_t allow_list_every_us = 10'000'000; // how old the copy of the allow-list may be
  std::int64_t catch_up_every_us = 300'000'000;  // a search beside the connection, in case that it lost something
  std::int64_t overlap_us = 300'000'000;         // how far before its cursor a search begins
  std::int64_t trim_every_us = 60'000'000;       // between two rounds over the copies of Tasks
};

// Outlive the link.
struct link_parts {
  storage::store* store = nullptr;
  net::transport* transport = nullptr;
  plugins::fhir_client* endpoint = nullptr;      // blocks, from the link's thread only
  base::clock* clock = nullptr;
  base::entropy* entropy = nullptr;
  const base::logger* log = nullptr;
  arrivals::make_put make_put;
  // Opens the WebSocket of the endpoint.
  std::function<void(net::websocket_handlers, std::function<void(net::result<net::websocket>)>)> open;
  // The endpoint can be reached and the allow-list is here; before Tasks are taken. Its error: the connection is made again later.
  std::function<base::result<>()> reached;
  thread_drive* drive = nullptr;
};

struct link_status {
  bool connected = false;     // bound, and everything missed was taken over
  bool bound = false;
  base::timestamp last_event;  // what the WebSocket last brought, or its bind; 0: neither yet
  std::uint64_t catch_ups = 0;  // searches for what was missed, since the start
  std::uint64_t trimmed = 0;    // copies of Tasks that are over
  std::string why_not;
  base::timestamp since;
};

// Binds the engine's Subscription first, then searches for what was missed, then lives on what the endpoint sends; all three ways may bring a Task, and it
// is taken over once (dsf-bpe 1.5 to 1.7).
class endpoint_link {
public:
  endpoint_link(link_options options, link_parts parts);
  ~endpoint_link();
  endpoint_link(const endpoint_link&) = delete;
  endpoint_link& operator=(const endpoint_link&) = delete;

  void start();
  void stop();
  // From the store's commit listener.
  void on_commit(std::span<const storage::feed_entry> entries);
  [[nodiscard]] link_status status() const;

private:
  struct inbound;
  void loop();
  // Until the connection ends; says why.
  base::error serve();
  base::result<std::string> subscription();
  base::result<> open_and_bind(const std::string& subscription, const std::shared_ptr<inbound>& from);
  base::result<> catch_up();
  base::result<> copy();
  base::result<> take(std::deque<std::string> texts);
  // One step of a round; false: the round is over.
  base::result<bool> trim();
  // False when stop() was called.
  bool pause();
  void set_status(bool connected, std::string why_not);

  link_options options_;
  link_parts parts_;
  arrivals arrivals_;
  trimming trimming_;
  std::unique_ptr<deliveries> deliveries_;
  std::shared_ptr<inbound> inbound_;
  std::int64_t pause_us_ = 0;
  bool left_some_ = false;  // new work waits at the endpoint for room on our disk
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  link_status status_;
  std::unique_ptr<thread_drive::running> thread_;
};

}  // namespace dsf::actors
