#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>

#include "net/client_connection_impl.hpp"
#include "net/client_tls_impl.hpp"
#include "net/openssl_impl.hpp"
#include "net/serialize.hpp"
#include "net/tunnel_impl.hpp"

namespace dsf::net {

namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t coalesce_bytes = 16 * 1024;
// A sink gets its body in pieces of at least this, but for the last one.
constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::uint64_t streamed_bytes_at_most = std::uint64_t{1} << 60;

// RFC 9110 9.2.2
bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" || method == "TRACE";
}

}  // namespace

std::string pool_key(const url& u) { return u.scheme + ' ' + u.host + ' ' + std::to_string(u.port); }

client_connection::client_connection(std::shared_ptr<client_lane> lane, url to)
    : lane_(std::move(lane)),
      to_(std::move(to)),
      key_(pool_key(to_)),
      timer_(lane_->context.get_executor()),
      resolver_(lane_->context.get_executor()) {}

void client_connection::arm(std::int64_t ms) {
  timer_.expires_after(std::chrono::milliseconds(ms));
  timer_.async_wait([self = shared_from_this()](io_error ec) {
    if (ec || self->phase_ == phase::busy || self->phase_ == phase::closed) return;
    // An idle connection has no call; one that is being opened tells it.
    self->abort(errc::connect_timeout, errc::timeout,
                "no connection within " + std::to_string(self->lane_->options.connect_timeout_ms) + " ms" + self->by_proxy());
  });
}

void client_connection::open(call_ptr call) {
  call_ = std::move(call);
  call_->connection = shared_from_this();
  arm(lane_->options.connect_timeout_ms);
  proxy_ = lane_->options.proxy;
  via_ = proxy_ ? proxy_->route_to(to_.host, to_.port) : nullptr;
  const auto& host = via_ ? via_->host : to_.host;
  const auto port = via_ ? via_->port : to_.port;
  io_error not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) return connect(std::array{tcp::endpoint(address, port)});
  resolver_.async_resolve(host, std::to_string(port), [self = shared_from_this()](io_error ec, tcp::resolver::results_type found) {
    self->resolved(ec, std::move(found));
  });
}

void client_connection::resolved(io_error ec, tcp::resolver::results_type found) {
  if (phase_ != phase::resolving) return;
  if (ec) {
    if (via_)
      fail_call(errc::proxy_failed, "the name of the proxy " + via_->name + " can't be resolved: " + ec.message());
    else
      fail_call(errc::name_not_resolved, "the name '" + to_.host + "' can't be resolved: " + ec.message());
    return close();
  }
  connect(found);
}

template <class Endpoints>
void client_connection::connect(const Endpoints& endpoints) {
  phase_ = phase::connecting;
  socket_.emplace(lane_->context.get_executor());
  asio::async_connect(*socket_, endpoints, [self = shared_from_this()](io_error error, const tcp::endpoint&) { self->connected(error); });
}

void client_connection::connected(io_error ec) {
  if (phase_ != phase::connecting) return;
  if (ec) {
    if (via_)
      fail_call(errc::proxy_failed, "can't connect to the proxy " + via_->name + ": " + ec.message());
    else if (ec == asio::error::connection_refused)
      fail_call(errc::connection_refused, "connection refused: nothing listens there");
    else
      fail_call(errc::connect_failed, "can't connect: " + ec.message());
    return close();
  }
  io_error ignored;  // without it small requests are only slower
  socket_->set_option(tcp::no_delay(true), ignored);
  if (!via_) return reached();
  open_tunnel(*socket_, *via_, to_, [self = shared_from_this()](result<void> open) {
    if (self->phase_ != phase::connecting) return;
    if (open) return self->reached();
    self->fail_call(open.error().is(errc::proxy_refused) ? errc::proxy_refused : errc::proxy_failed, open.error().text());
    self->close();
  });
}

void client_connection::reached() {
  if (to_.tls()) {
    stream_ = tls_stream(std::move(*socket_), lane_->options.identity->inside().context.get());
    if (!expect_host(stream_->ssl(), to_.host)) {
      fail_call(errc::tls_setup, "OpenSSL does not take the host name: " + openssl_reason());
      return close();
    }
  } else {
    stream_ = plain_stream(std::move(*socket_));
  }
  phase_ = phase::handshake;
  stream_->handshake(false, shared_from_this());
}

void client_connection::on_handshake(io_error ec) {
  if (phase_ != phase::handshake) return;
  if (ec) {
    auto [code, why] = handshake_failure(stream_->ssl(), ec);
    fail_call(code, std::move(why));
    return close();
  }
  timer_.cancel();
  in_.resize(read_bytes);
  phase_ = phase::busy;
  auto call = std::move(call_);
  read_more();
  carry(std::move(call));
  fresh_ = true;
}

void client_connection::carry(call_ptr call) {
  timer_.cancel();
  phase_ = phase::busy;
  fresh_ = false;
  call_ = std::move(call);
  call_->connection = shared_from_this();
  const auto& r = call_->request;
  const auto& o = lane_->options;
  const auto at_most = call_->bodies.sink ? streamed_bytes_at_most : o.answer_bytes;
  parser_.emplace(parse_limits{o.answer_head_bytes, r.answer_bytes_at_most ? r.answer_bytes_at_most : at_most}, r.method == "HEAD");
  received_ = false;
  write_started_ = true;
  write_done_ = false;
  out_.clear();
  write_request_head(out_, r.method, call_->to.target, to_.authority(), r.headers,
                     call_->bodies.source ? call_->bodies.source->size() : r.body.size());
  body_sent_ = 0;
  if (!call_->bodies.source && out_.size() + r.body.size() <= coalesce_bytes) {
    out_ += r.body.view();
    body_sent_ = r.body.size();
  }
  stream_->write(out_, shared_from_this());
}

void client_connection::write_body() {
  const auto rest = call_->request.body.view().substr(body_sent_);
  body_sent_ += rest.size();
  write(rest);
}

void client_connection::write(std::string_view bytes) {
  // The call may end (a time-out, an early answer) while its body is being written; the capture keeps the bytes.
  struct holder final : stream_events {
    holder(std::shared_ptr<client_connection> c, call_ptr k) : connection(std::move(c)), call(std::move(k)) {}
    void on_handshake(io_error) override {}
    void on_read(io_error, std::size_t) override {}
    void on_written(io_error ec) override { connection->on_written(ec); }
    void on_closed() override {}
    std::shared_ptr<client_connection> connection;
    call_ptr call;
  };
  stream_->write(bytes, std::make_shared<holder>(shared_from_this(), call_));
}

void client_connection::next_piece() {
  auto& body = *call_->bodies.source;
  if (call_->sent == body.size()) {
    write_done_ = true;
    return;
  }
  body.next([self = shared_from_this(), call = call_](base::result<std::string> piece) {
    asio::post(self->lane_->context, [self, call, piece = std::move(piece)]() mutable { self->piece_given(call, std::move(piece)); });
  });
}

void client_connection::piece_given(const call_ptr& call, base::result<std::string> piece) {
  if (phase_ != phase::busy || call_ != call) return;
  const auto size = call->bodies.source->size();
  if (!piece || piece->empty() || piece->size() > size - call->sent) {
    fail_call(errc::invalid_argument, piece ? "the body does not have the " + std::to_string(size) + " bytes that it has to have"
                                            : "the body can't be read: " + piece.error().to_string());
    return close();
  }
  lane_->watch(call);
  call->piece = std::move(*piece);
  call->sent += call->piece.size();
  write(call->piece);
}

void client_connection::give_piece(bool whole) {
  auto piece = parser_->take_piece();
  if (piece.empty()) return whole ? finish_call() : read_more();
  call_->bodies.sink->take(std::move(piece), [self = shared_from_this(), call = call_, whole](const std::shared_ptr<response>& refusal) {
    asio::post(self->lane_->context, [self, call, more = !refusal, whole] { self->piece_taken(call, more, whole); });
  });
}

void client_connection::piece_taken(const call_ptr& call, bool more, bool whole) {
  if (phase_ != phase::busy || call_ != call) return;
  lane_->watch(call);
  // A connection on which more would come is not kept.
  if (whole || !more) return finish_call();
  read_more();
}

void client_connection::on_written(io_error ec) {
  if (phase_ != phase::busy || ec) return;  // the read that is under way learns why, and may still find an answer or an alert
  if (call_ && call_->bodies.source) return next_piece();
  if (call_ && body_sent_ < call_->request.body.size()) return write_body();
  write_done_ = true;
}

void client_connection::read_more() { stream_->read(in_.data() + kept_, in_.size() - kept_, shared_from_this()); }

void client_connection::on_read(io_error ec, std::size_t n) {
  if (phase_ == phase::closed) return;
  // The server closed a connection that nobody uses, or said something unasked: either way it is of no more use.
  if (phase_ == phase::idle) return close();
  if (ec) return lost(ec);
  received_ = true;
  n += kept_;
  kept_ = 0;
  const auto taken = parser_->put({in_.data(), n});
  switch (parser_->state()) {
    case parse_state::failed:
      fail_call(parser_->too_large() ? errc::answer_too_large : errc::malformed_answer,
                parser_->too_large() ? parser_->failure_text() : "the answer is malformed: " + parser_->failure_text());
      return close();
    case parse_state::done:
      if (taken < n) {
        fail_call(errc::malformed_answer, "bytes follow the end of the answer");
        return close();
      }
      return takes_pieces() ? give_piece(true) : finish_call();
    case parse_state::head:
    case parse_state::body:
      // What the parser left, an unfinished head or chunk head, it wants again with more behind it.
      in_.erase(0, taken);
      kept_ = n - taken;
      if (kept_ > lane_->options.answer_head_bytes) {
        fail_call(errc::answer_too_large,
                  "the answer's head is larger than the limit of " + std::to_string(lane_->options.answer_head_bytes) + " bytes");
        return close();
      }
      in_.resize(kept_ + read_bytes);
      if (parser_->state() == parse_state::body && takes_pieces() && parser_->body_bytes() >= piece_bytes) return give_piece(false);
      // What is no answer to be passed on must not fill the memory.
      if (call_->bodies.sink && parser_->body_bytes() > lane_->options.answer_bytes) {
        fail_call(errc::answer_too_large,
                  "the answer is larger than the limit of " + std::to_string(lane_->options.answer_bytes) + " bytes");
        return close();
      }
      return read_more();
  }
}

void client_connection::finish_call() {
  client_response r;
  r.status = parser_->status();
  r.headers = parser_->take_headers();
  r.body = parser_->take_body();
  r.reused_connection = !fresh_;
  const bool keep = parser_->keep_alive() && write_done_;
  auto call = std::move(call_);
  call->connection.reset();
  if (keep) {
    phase_ = phase::idle;
    read_more();
    lane_->connection_idle(shared_from_this());
    if (phase_ == phase::idle) arm(lane_->options.idle_timeout_ms);
  } else {
    close();
  }
  call->finish(std::move(r));
}

void client_connection::lost(io_error ec) {
  const auto kind = classify(ec);
  if (kind == io_failure::ended && received_ && parser_->finish()) return takes_pieces() ? give_piece(true) : finish_call();
  if (kind == io_failure::certificate_alert && !received_ && fresh_) {
    // TLS 1.3: the server judges our certificate after our side of the handshake is done.
    fail_call(errc::certificate_refused, "the server refuses our certificate, or that we show none: " + describe(ec));
    return close();
  }
  if (!received_ && !fresh_ && !call_->retried && !call_->bodies.source && is_idempotent(call_->request.method)) {
    auto call = std::move(call_);
    call->connection.reset();
    call->retried = true;
    lane_->counters->retried.fetch_add(1, std::memory_order_relaxed);
    auto lane = lane_;
    close();
    return lane->start(std::move(call), true);
  }
  fail_call(errc::connection_lost, std::string("the connection was lost after the request was sent") +
                                       (received_ ? ", within the answer" : "") + ": " + describe(ec));
  close();
}

void client_connection::fail_call(errc code, std::string why) {
  if (!call_) return;
  auto call = std::move(call_);
  call->connection.reset();
  call->finish(fail(code, std::move(why), where()));
}

void client_connection::call_timed_out() {
  abort(errc::connect_timeout, errc::timeout, phase_ == phase::busy ? "no answer in time" : "no connection in time" + by_proxy());
}

void client_connection::abort(errc before_sending, errc after_sending, const std::string& why) {
  fail_call(phase_ == phase::busy ? after_sending : before_sending, why);
  close();
}

void client_connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  timer_.cancel();
  resolver_.cancel();
  const auto keep = shared_from_this();
  io_error ignored;  // it is being thrown away
  if (stream_)
    stream_->close();
  else if (socket_)
    socket_->close(ignored);
  lane_->connection_gone(*this);
}

}  // namespace dsf::net
