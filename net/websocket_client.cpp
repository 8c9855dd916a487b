// Opens a WebSocket: name, TCP, TLS; then the session asks for it and takes over.
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>

#include "net/client_tls_impl.hpp"
#include "net/openssl_impl.hpp"
#include "net/query.hpp"
#include "net/serialize.hpp"
#include "net/tunnel_impl.hpp"
#include "net/websocket_session_impl.hpp"

namespace dsf::net {

namespace {

class opening final : public stream_events, public std::enable_shared_from_this<opening> {
public:
  opening(asio::io_context& loop, websocket_request r, url to, websocket_handlers h, std::function<void(result<websocket>)> done)
      : loop_(loop),
        request_(std::move(r)),
        to_(std::move(to)),
        handlers_(std::move(h)),
        done_(std::move(done)),
        timer_(loop.get_executor()),
        resolver_(loop.get_executor()) {}

  void begin() {
    timer_.expires_after(std::chrono::milliseconds(request_.connect_timeout_ms));
    timer_.async_wait([self = shared_from_this()](io_error ec) {
      if (!ec)
        self->give_up(errc::connect_timeout, "no connection within " + std::to_string(self->request_.connect_timeout_ms) + " ms" +
                                                 (self->via_ ? " through the proxy " + self->via_->name : std::string()));
    });
    via_ = request_.proxy ? request_.proxy->route_to(to_.host, to_.port) : nullptr;
    const auto& host = via_ ? via_->host : to_.host;
    const auto port = via_ ? via_->port : to_.port;
    io_error not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) return connect(std::array{tcp::endpoint(address, port)});
    resolver_.async_resolve(host, std::to_string(port), [self = shared_from_this()](io_error ec, tcp::resolver::results_type found) {
      if (self->over()) return;
      if (ec && self->via_)
        return self->give_up(errc::proxy_failed, "the name of the proxy " + self->via_->name + " can't be resolved: " + ec.message());
      if (ec) return self->give_up(errc::name_not_resolved, "the name '" + self->to_.host + "' can't be resolved: " + ec.message());
      self->connect(found);
    });
  }

private:
  [[nodiscard]] bool over() const { return !done_; }

  template <class Endpoints>
  void connect(const Endpoints& endpoints) {
    socket_.emplace(loop_.get_executor());
    asio::async_connect(*socket_, endpoints, [self = shared_from_this()](io_error ec, const tcp::endpoint&) { self->connected(ec); });
  }

  void connected(io_error ec) {
    if (over()) return;
    if (ec && via_) return give_up(errc::proxy_failed, "can't connect to the proxy " + via_->name + ": " + ec.message());
    if (ec == asio::error::connection_refused) return give_up(errc::connection_refused, "connection refused: nothing listens there");
    if (ec) return give_up(errc::connect_failed, "can't connect: " + ec.message());
    io_error ignored;  // without it small messages are only slower
    socket_->set_option(tcp::no_delay(true), ignored);
    if (!via_) return reached();
    open_tunnel(*socket_, *via_, to_, [self = shared_from_this()](result<void> open) {
      if (self->over()) return;
      if (open) return self->reached();
      self->give_up(open.error().is(errc::proxy_refused) ? errc::proxy_refused : errc::proxy_failed, open.error().text());
    });
  }

  void reached() {
    if (!to_.tls()) {
      stream_ = plain_stream(std::move(*socket_));
    } else {
      stream_ = tls_stream(std::move(*socket_), request_.identity->inside().context.get());
      if (!expect_host(stream_->ssl(), to_.host))
        return give_up(errc::tls_setup, "OpenSSL does not take the host name: " + openssl_reason());
    }
    stream_->handshake(false, shared_from_this());
  }

  void on_handshake(io_error ec) override {
    if (over()) return;
    if (ec) {
      auto [code, why] = handshake_failure(stream_->ssl(), ec);
      return give_up(code, std::move(why));
    }
    ssl_ = stream_->ssl();
    session_ = request_websocket(std::move(stream_), to_.authority(), to_.target, request_.headers, request_.limits, std::move(handlers_),
                                 [self = shared_from_this()](const websocket_refusal* why) { self->asked(why); });
  }
  void on_read(io_error, std::size_t) override {}
  void on_written(io_error) override {}
  void on_closed() override {}

  void asked(const websocket_refusal* why) {
    if (over()) return;
    if (why == nullptr) {
      timer_.cancel();
      auto session = std::exchange(session_, nullptr);
      return std::exchange(done_, nullptr)(websocket(std::weak_ptr<websocket::target>(session)));
    }
    if (why->status != 0)
      return give_up(errc::connect_failed,
                     "the server refuses a WebSocket: HTTP " + std::to_string(why->status) + ' ' + std::string(reason_phrase(why->status)));
    switch (classify(why->error)) {
      case io_failure::certificate_alert: {
        auto [code, text] = handshake_failure(ssl_, why->error);
        return give_up(code, std::move(text));
      }
      case io_failure::other:
        return give_up(errc::malformed_answer, "the server's answer to the WebSocket handshake is wrong: " + describe(why->error));
      default: return give_up(errc::connection_lost, "the connection was lost before it was a WebSocket: " + describe(why->error));
    }
  }

  void give_up(errc code, std::string why) {
    if (over()) return;
    timer_.cancel();
    resolver_.cancel();
    io_error ignored;  // it is being thrown away
    if (session_)
      std::exchange(session_, nullptr)->break_off(why);
    else if (stream_)
      stream_->close();
    else if (socket_)
      socket_->close(ignored);
    auto done = std::exchange(done_, nullptr);
    done(fail(code, std::move(why), to_.scheme + "://" + to_.authority()));
  }

  asio::io_context& loop_;
  websocket_request request_;
  url to_;
  websocket_handlers handlers_;
  std::function<void(result<websocket>)> done_;  // null when it was called
  timer_type timer_;
  asio::ip::basic_resolver<tcp, asio::io_context::executor_type> resolver_;
  const forward_proxy::route* via_ = nullptr;  // of the request's proxy
  std::optional<socket_type> socket_;
  std::unique_ptr<stream> stream_;
  std::shared_ptr<websocket_session> session_;
  SSL* ssl_ = nullptr;  // of the session's stream
};

}  // namespace

void open_websocket(io_threads& threads, websocket_request request, websocket_handlers handlers,
                    std::function<void(result<websocket>)> done) {
  auto& loop = threads.inside().loops->all.front()->context;
  const auto refuse = [&](base::error e) { asio::post(loop, [done = std::move(done), e = std::move(e)] { done(failure(e)); }); };
  auto to = parse_url(request.url);
  if (!to) return refuse(std::move(to).error());
  if (to->tls() && !request.identity)
    return refuse(base::error(errc::invalid_argument, "an https:// URL needs a TLS identity (at least trusted CAs)", request.url));
  if (!is_sendable(request.headers))
    return refuse(base::error(errc::invalid_argument, "a header field has characters that can't be sent", request.url));
  auto o = std::make_shared<opening>(loop, std::move(request), std::move(*to), std::move(handlers), std::move(done));
  asio::post(loop, [o] { o->begin(); });
}

}  // namespace dsf::net
