#include "site/running/engine_half.hpp"

#include <atomic>
#include <mutex>
#include <optional>

#include "net/io_threads.hpp"
#include "plugins/remote_client.hpp"
#include "site/running/feasibility_stores.hpp"

namespace dsf::site {
namespace {

constexpr std::int64_t request_timeout_ms = 10'000;  // of the link's own requests: it stands still meanwhile
constexpr std::int64_t connect_timeout_ms = 5'000;
constexpr std::size_t message_bytes = 64 << 20;      // a Task comes as one message

}  // namespace

struct engine_half::parts {
  // The site's own address leads to the endpoint as this half reaches it.
  struct router final : net::transport, net::streaming_transport {
    void send(net::client_request request, std::int64_t timeout_ms, net::client_callback done) override {
      const bool inward = goes_inside(request.url);
      (inward ? *endpoint : *others).send(std::move(request), timeout_ms, std::move(done));
    }
    void send_streams(net::client_request request, net::body_streams bodies, std::int64_t timeout_ms, net::client_callback done) override {
      const bool inward = goes_inside(request.url);
      if (auto* way = dynamic_cast<net::streaming_transport*>(inward ? endpoint : others))
        return way->send_streams(std::move(request), std::move(bodies), timeout_ms, std::move(done));
      done(net::fail(net::errc::invalid_argument, "bodies can't be passed on piece by piece on this way", request.url));
    }
    // Is it for the own endpoint; the public address becomes the one inside.
    bool goes_inside(std::string& address) const {
      const std::string_view url = address;
      if (url.starts_with(inside)) return true;
      const bool own =
          url.starts_with(outside) && (url.size() == outside.size() || url[outside.size()] == '/' || url[outside.size()] == '?');
      if (own) address = inside + std::string(url.substr(outside.size()));
      return own;
    }
    std::string outside, inside;
    net::transport* endpoint = nullptr;
    net::transport* others = nullptr;
  };

  std::string url;
  storage::store* store = nullptr;
  const base::logger* log = nullptr;
  std::int64_t allow_list_every_us = 0;
  std::mutex mutex;
  std::optional<net::tls_identity> identity;  // under the mutex
  std::shared_ptr<const net::forward_proxy> proxy;
  std::shared_ptr<net::io_threads> threads;
  std::unique_ptr<net::https_client> client;
  router routes;
  std::unique_ptr<plugins::fhir_client> endpoint;
  std::unique_ptr<actors::endpoint_link> link;
  std::atomic<actors::endpoint_link*> started = nullptr;  // the store's listener and operators ask while it is being made
};

engine_half::engine_half(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

engine_half::~engine_half() {
  stop();
  parts_->link.reset();
  parts_->client.reset();
  parts_->threads->stop();
}

base::result<std::unique_ptr<engine_half>> engine_half::make(const site_config& config, storage::store& store, net::transport& others,
                                                             const base::logger& log) {
  auto p = std::make_unique<parts>();
  p->url = config.bpe_endpoint;
  p->store = &store;
  p->log = &log;
  p->allow_list_every_us = config.bpe_allow_list_us;
  p->identity = TRY(net::tls_identity::load(client_files_of(config.bpe_endpoint_tls)));
  p->threads = net::io_threads::start(1, "link");
  net::client_options co;
  co.identity = p->identity;
  co.shared_threads = p->threads;
  co.connect_timeout_ms = connect_timeout_ms;
  co.proxy = p->proxy = TRY(proxy_of(config));
  p->client = std::make_unique<net::https_client>(std::move(co));
  p->routes.outside = config.base_url;
  p->routes.inside = p->url;
  p->routes.endpoint = p->client.get();
  p->routes.others = &others;
  p->endpoint = plugins::make_remote_client(*p->client, {p->url, request_timeout_ms, {}});
  return std::unique_ptr<engine_half>(new engine_half(std::move(p)));
}

net::transport& engine_half::transport() { return parts_->routes; }

void engine_half::use(const net::tls_identity& identity) {
  {
    const std::lock_guard lock{parts_->mutex};
    parts_->identity = identity;
  }
  parts_->client->use(identity);
}

void engine_half::start(actors::arrivals::make_put make_put, std::function<base::result<>()> reached) {
  auto& p = *parts_;
  actors::link_options o;
  o.base_url = p.url;
  o.allow_list_every_us = p.allow_list_every_us;
  actors::link_parts lp;
  lp.store = p.store;
  lp.transport = p.client.get();
  lp.endpoint = p.endpoint.get();
  lp.clock = &base::system_clock_source();
  lp.entropy = &base::system_entropy();
  lp.log = p.log;
  lp.make_put = std::move(make_put);
  lp.reached = std::move(reached);
  lp.open = [&p](net::websocket_handlers h, std::function<void(net::result<net::websocket>)> done) {
    net::websocket_request r;
    r.url = p.url + "/ws";
    r.headers = {{"User-Agent", "dsfd"}};
    {
      const std::lock_guard lock{p.mutex};
      r.identity = p.identity;
    }
    r.connect_timeout_ms = connect_timeout_ms;
    r.proxy = p.proxy;
    r.limits.message_bytes = message_bytes;
    net::open_websocket(*p.threads, std::move(r), std::move(h), std::move(done));
  };
  p.link = std::make_unique<actors::endpoint_link>(std::move(o), std::move(lp));
  p.link->start();
  p.started = p.link.get();
}

void engine_half::stop() {
  if (auto* link = parts_->started.load()) link->stop();
}

void engine_half::on_commit(std::span<const storage::feed_entry> entries) {
  if (auto* link = parts_->started.load()) link->on_commit(entries);
}

actors::link_status engine_half::status() const {
  auto* link = parts_->started.load();
  return link ? link->status() : actors::link_status{.why_not = "the connection to the FHIR endpoint is not there yet"};
}

}  // namespace dsf::site
