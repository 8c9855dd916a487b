#include "net/https_server.hpp"

#include <openssl/ssl.h>

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/mutant.hpp"
#include "net/connection_impl.hpp"
#include "net/openssl_impl.hpp"

namespace dsf::net {

namespace {

constexpr int backlog = 1'024;
constexpr auto tick_every = std::chrono::milliseconds(100);
// After accept() failed for want of descriptors or memory.
constexpr auto accept_pause = std::chrono::milliseconds(100);
// Beyond its limit a server still answers this many connections with 503; more are closed without a word.
constexpr int over_limit_at_most = 64;

std::int64_t steady_now_us() { return base::system_clock_source().steady_us(); }

std::string where(const server_options& o, std::uint16_t port) {
  return (o.address.find(':') == std::string::npos ? o.address : '[' + o.address + ']') + ':' + std::to_string(port);
}

int verify_mode(client_certificate c) {
  if (DSF_MUTANT("net.client_certificate_not_demanded")) return SSL_VERIFY_PEER;
  switch (c) {
    case client_certificate::required: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case client_certificate::optional: return SSL_VERIFY_PEER;
    case client_certificate::none: return SSL_VERIFY_NONE;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

struct https_server::impl final : connection_owner, std::enable_shared_from_this<impl> {
  // One io loop's connections; touched on that loop only.
  struct lane {
    explicit lane(asio::io_context& c) : context(c), timer(c.get_executor()) {}
    asio::io_context& context;
    timer_type timer;
    std::vector<std::shared_ptr<connection>> open;
    bool ended = false;
  };

  result<void> listen();
  void accept();
  void accepted(std::size_t at, socket_type socket);
  void tick(std::size_t at);
  void stop(std::int64_t deadline_ms);

  bool admit(const std::string& thumbprint) override;
  void refused(std::string_view address, std::string_view reason) override;
  void handle(request&& r, responder to) override;
  void gone(connection& c) override;

  template <class F>
  void on_each_lane(F f) {
    for (std::size_t i = 0; i < lanes.size(); ++i) asio::post(lanes[i]->context, [self = shared_from_this(), i, f] { f(*self->lanes[i]); });
  }

  handler handle_request;
  std::shared_ptr<io_loops> loops;
  bool own_threads = false;
  std::vector<std::unique_ptr<lane>> lanes;
  std::unique_ptr<acceptor_type> acceptor;
  std::unique_ptr<timer_type> pause;
  std::size_t next_lane = 0;
  std::uint16_t port = 0;
  std::atomic<std::uint64_t> accepted_count{0}, refused_count{0}, over_limit_count{0};
  std::atomic<int> connections{0}, extra{0};
  std::mutex mutex;
  std::condition_variable all_gone;
  std::unordered_map<std::string, int> per_certificate;
};

result<void> https_server::impl::listen() {
  io_error ec;
  const auto address = asio::ip::make_address(options.address, ec);
  if (ec) return fail(errc::invalid_argument, "'" + options.address + "' is not an IP address to listen on");
  const tcp::endpoint endpoint(address, options.port);
  acceptor = std::make_unique<acceptor_type>(lanes[0]->context.get_executor());
  pause = std::make_unique<timer_type>(lanes[0]->context.get_executor());
  acceptor->open(endpoint.protocol(), ec);
  if (!ec) acceptor->set_option(acceptor_type::reuse_address(true), ec);
  if (!ec) acceptor->bind(endpoint, ec);
  if (!ec) acceptor->listen(backlog, ec);
  if (ec == asio::error::address_in_use)
    return fail(errc::port_in_use,
                "port " + std::to_string(options.port) + " is in use by another program; stop that program, or set another port",
                where(options, options.port));
  if (ec) return fail(errc::listen_failed, "can't listen: " + ec.message(), where(options, options.port));
  port = acceptor->local_endpoint(ec).port();
  if (ec) return fail(errc::listen_failed, "can't listen: " + ec.message(), where(options, options.port));
  return {};
}

void https_server::impl::accept() {
  const auto at = next_lane++ % lanes.size();
  acceptor->async_accept(lanes[at]->context.get_executor(), [self = shared_from_this(), at](io_error ec, socket_type socket) {
    if (self->stopping || ec == asio::error::operation_aborted) return;
    if (ec) {
      self->pause->expires_after(accept_pause);
      self->pause->async_wait([self](io_error waited) {
        if (!waited && !self->stopping) self->accept();
      });
      return;
    }
    self->accepted(at, std::move(socket));
    self->accept();
  });
}

void https_server::impl::accepted(std::size_t at, socket_type socket) {
  accepted_count.fetch_add(1, std::memory_order_relaxed);
  const bool over = connections.fetch_add(1) >= options.limits.connections;
  if (over) {
    connections.fetch_sub(1);
    over_limit_count.fetch_add(1, std::memory_order_relaxed);
    if (extra.fetch_add(1) >= over_limit_at_most) {
      extra.fetch_sub(1);
      return;
    }
  }
  io_error ec;
  socket.set_option(tcp::no_delay(true), ec);
  const auto remote = socket.remote_endpoint(ec);
  const auto ip = ec ? std::string("unknown") : remote.address().to_string();
  const auto address = (ip.find(':') == std::string::npos ? ip : '[' + ip + ']') + ':' + std::to_string(ec ? 0 : remote.port());
  std::unique_ptr<stream> s;
  if (options.identity) {
    s = tls_stream(std::move(socket), options.identity->inside().context.get());
    SSL_set_verify(s->ssl(), verify_mode(options.certificates), nullptr);
  } else {
    s = plain_stream(std::move(socket));
  }
  auto c = std::make_shared<connection>(shared_from_this(), std::move(s), address, over);
  c->loop = at;
  asio::post(lanes[at]->context, [self = shared_from_this(), at, c = std::move(c)] {
    auto& l = *self->lanes[at];
    c->slot = l.open.size();
    l.open.push_back(c);
    if (self->stopping) return c->abort();
    c->begin();
  });
}

void https_server::impl::gone(connection& c) {
  auto& open = lanes[c.loop]->open;
  const auto keep = c.shared_from_this();
  open.back()->slot = c.slot;
  std::swap(open[c.slot], open.back());
  open.pop_back();
  std::lock_guard lock(mutex);
  if (c.admitted()) {
    const auto found = per_certificate.find(c.thumbprint());
    if (--found->second == 0) per_certificate.erase(found);
  }
  c.over_limit() ? extra.fetch_sub(1) : connections.fetch_sub(1);
  if (connections == 0 && extra == 0) all_gone.notify_all();
}

bool https_server::impl::admit(const std::string& thumbprint) {
  std::lock_guard lock(mutex);
  auto& n = per_certificate[thumbprint];
  if (n >= options.limits.connections_per_certificate) {
    over_limit_count.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  ++n;
  return true;
}

void https_server::impl::refused(std::string_view address, std::string_view reason) {
  refused_count.fetch_add(1, std::memory_order_relaxed);
  if (options.on_refused) options.on_refused(address, reason);
}

void https_server::impl::handle(request&& r, responder to) { handle_request(std::move(r), std::move(to)); }

void https_server::impl::tick(std::size_t at) {
  auto& l = *lanes[at];
  l.timer.expires_after(tick_every);
  l.timer.async_wait([self = shared_from_this(), at](io_error ec) {
    auto& mine = *self->lanes[at];
    if (ec || mine.ended) return;
    const auto now = steady_now_us();
    // Backwards, because a connection that ends swaps the last one into its place.
    for (auto i = mine.open.size(); i-- > 0;)
      if (i < mine.open.size()) mine.open[i]->tick(now);
    self->tick(at);
  });
}

void https_server::impl::stop(std::int64_t deadline_ms) {
  if (stopping.exchange(true)) return;
  asio::post(lanes[0]->context, [self = shared_from_this()] {
    io_error ignored;  // it is being thrown away
    self->acceptor->close(ignored);
    self->pause->cancel();
  });
  if (loops->stopped) {
    // Someone stopped shared threads before us: nothing runs there any more, so this thread tidies up in their place.
    for (auto& l : lanes) {
      while (!l->open.empty()) l->open.back()->abort();
      l->ended = true;
      l->timer.cancel();
      l->context.restart();
      l->context.poll();
    }
    return;
  }
  const auto none_left = [this] { return connections == 0 && extra == 0; };
  on_each_lane([](lane& l) {
    for (auto i = l.open.size(); i-- > 0;)
      if (i < l.open.size()) l.open[i]->finish_soon();
  });
  {
    std::unique_lock lock(mutex);
    all_gone.wait_for(lock, std::chrono::milliseconds(deadline_ms), none_left);
  }
  on_each_lane([](lane& l) {
    while (!l.open.empty()) l.open.back()->abort();
    l.ended = true;
    l.timer.cancel();
  });
  {
    std::unique_lock lock(mutex);
    all_gone.wait_for(lock, std::chrono::seconds(5), none_left);
  }
}

https_server::https_server(std::shared_ptr<impl> i, std::shared_ptr<io_threads> threads)
    : impl_(std::move(i)), threads_(std::move(threads)) {}
https_server::https_server(https_server&&) noexcept = default;
https_server& https_server::operator=(https_server&& other) noexcept {
  if (this != &other) {
    if (impl_) stop(0);
    impl_ = std::move(other.impl_);
    threads_ = std::move(other.threads_);
  }
  return *this;
}
https_server::~https_server() {
  if (impl_) stop(0);
}

result<https_server> https_server::start(server_options options, handler handle) {
  if (options.identity && !options.identity->self().has_certificate)
    return fail(errc::invalid_argument, "a TLS server needs a certificate and its private key", where(options, options.port));
  auto i = std::make_shared<impl>();
  i->options = std::move(options);
  i->now_us = &steady_now_us;
  i->handle_request = std::move(handle);
  auto threads = std::move(i->options.shared_threads);
  i->own_threads = !threads;
  if (i->own_threads) threads = io_threads::start(i->options.threads);
  i->loops = threads->inside().loops;
  for (auto& loop : i->loops->all) i->lanes.push_back(std::make_unique<impl::lane>(loop->context));
  TRY(i->listen());
  for (std::size_t at = 0; at < i->lanes.size(); ++at) i->tick(at);
  asio::post(i->lanes[0]->context, [i] { i->accept(); });
  return https_server(std::move(i), std::move(threads));
}

std::uint16_t https_server::port() const noexcept { return impl_->port; }

server_statistics https_server::statistics() const noexcept {
  return {impl_->accepted_count, impl_->refused_count, impl_->over_limit_count, impl_->requests, impl_->connections};
}

void https_server::use(tls_identity identity) {
  // Where connections are accepted, so that none sees half of it.
  asio::post(impl_->lanes[0]->context, [i = impl_, identity = std::move(identity)] {
    if (i->options.identity) i->options.identity = identity;
  });
}

void https_server::stop(std::int64_t deadline_ms) {
  impl_->stop(deadline_ms);
  if (impl_->own_threads) threads_->stop();
}

}  // namespace dsf::net
