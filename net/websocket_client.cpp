// Opens a WebSocket: name, TCP, TLS, the upgrade; then the session takes over.
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>

#include "net/client_tls_impl.hpp"
#include "net/message_parser.hpp"
#include "net/openssl_impl.hpp"
#include "net/query.hpp"
#include "net/serialize.hpp"
#include "net/websocket_session_impl.hpp"

namespace dsf::net {

namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t head_bytes = 32 * 1024;
constexpr std::uint64_t refusal_bytes = 64 * 1024;

class opening final : public stream_events, public std::enable_shared_from_this<opening> {
public:
  opening(asio::io_context& loop, websocket_request r, url to, websocket_handlers h, std::function<void(result<websocket>)> done)
      : loop_(loop),
        request_(std::move(r)),
        to_(std::move(to)),
        handlers_(std::move(h)),
        done_(std::move(done)),
        timer_(loop.get_executor()),
        resolver_(loop.get_executor()),
        in_(read_bytes, '\0') {}

  void begin() {
    timer_.expires_after(std::chrono::milliseconds(request_.connect_timeout_ms));
    timer_.async_wait([self = shared_from_this()](io_error ec) {
      if (!ec) self->give_up(errc::connect_timeout, "no connection within " + std::to_string(self->request_.connect_timeout_ms) + " ms");
    });
    io_error not_an_address;
    const auto address = asio::ip::make_address(to_.host, not_an_address);
    if (!not_an_address) return connect(std::array{tcp::endpoint(address, to_.port)});
    resolver_.async_resolve(
        to_.host, std::to_string(to_.port), [self = shared_from_this()](io_error ec, tcp::resolver::results_type found) {
          if (self->over()) return;
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
    if (ec == asio::error::connection_refused) return give_up(errc::connection_refused, "connection refused: nothing listens there");
    if (ec) return give_up(errc::connect_failed, "can't connect: " + ec.message());
    io_error ignored;  // without it small messages are only slower
    socket_->set_option(tcp::no_delay(true), ignored);
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
    auto headers = request_.headers;
    key_ = websocket_key();
    headers.set("Upgrade", "websocket");
    headers.set("Sec-WebSocket-Version", "13");
    headers.set("Sec-WebSocket-Key", key_);
    write_request_head(out_, "GET", to_.target, to_.authority(), headers, 0);
    out_.insert(out_.size() - 2, "Connection: Upgrade\r\n");
    stream_->write(out_, shared_from_this());
    stream_->read(in_.data(), in_.size(), shared_from_this());
  }
  // The read that is under way learns why, and may still find an answer.
  void on_written(io_error) override {}
  void on_closed() override {}

  void on_read(io_error ec, std::size_t n) override {
    if (over()) return;
    if (ec) {
      if (classify(ec) == io_failure::certificate_alert) {
        auto [code, why] = handshake_failure(stream_->ssl(), ec);
        return give_up(code, std::move(why));
      }
      return give_up(errc::connection_lost, "the connection was lost before it was a WebSocket: " + describe(ec));
    }
    head_.append(in_.data(), n);
    // Only the head is parsed before it is known whether the rest is an answer or a WebSocket.
    const auto end = head_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (head_.size() > head_bytes) return give_up(errc::answer_too_large, "the answer's head is larger than 32 KiB");
      return stream_->read(in_.data(), in_.size(), shared_from_this());
    }
    response_parser parser({head_bytes, refusal_bytes}, true);
    parser.put(std::string_view(head_).substr(0, end + 4));
    if (parser.state() == parse_state::failed) return give_up(errc::malformed_answer, "the answer is malformed: " + parser.failure_text());
    const auto status = parser.status();
    const auto headers = parser.take_headers();
    if (status != 101)
      return give_up(errc::connect_failed,
                     "the server refuses a WebSocket: HTTP " + std::to_string(status) + ' ' + std::string(reason_phrase(status)));
    if (!equals_ignoring_case(headers.value("Upgrade"), "websocket") || headers.value("Sec-WebSocket-Accept") != websocket_accept(key_))
      return give_up(errc::malformed_answer, "the server's answer to the WebSocket handshake is wrong");
    timer_.cancel();
    const auto session = std::make_shared<websocket_session>(std::move(stream_), false, request_.limits, nullptr);
    auto done = std::exchange(done_, nullptr);
    done(websocket(std::weak_ptr<websocket::target>(session)));
    session->begin(std::move(handlers_), std::string_view(head_).substr(end + 4));
  }

  void give_up(errc code, std::string why) {
    if (over()) return;
    timer_.cancel();
    resolver_.cancel();
    io_error ignored;  // it is being thrown away
    if (stream_)
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
  std::optional<socket_type> socket_;
  std::unique_ptr<stream> stream_;
  std::string key_, in_, out_, head_;
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
