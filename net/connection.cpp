#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "base/mutant.hpp"
#include "net/connection_impl.hpp"
#include "net/openssl_impl.hpp"
#include "net/serialize.hpp"

namespace dsf::net {

namespace {

constexpr std::size_t read_step = 8 * 1024;
// A head and a body up to this go out in one write, as one or few TLS records.
constexpr std::size_t coalesce_bytes = 16 * 1024;
// A larger body goes out in stretches, each with a deadline of its own.
constexpr std::size_t stretch_bytes = 256 * 1024;
// A sink gets its body in pieces of about this.
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::size_t drain_at_most = 64 * 1024 * 1024;
constexpr std::int64_t closing_ms = 2'000;

}  // namespace

connection::connection(std::shared_ptr<connection_owner> owner, std::unique_ptr<stream> s, std::string address, bool over_limit)
    : owner_(std::move(owner)),
      stream_(std::move(s)),
      peer_(std::make_shared<peer>()),
      parser_({owner_->options.limits.head_bytes, owner_->options.limits.body_bytes}),
      over_limit_(over_limit) {
  peer_->address = std::move(address);
  if (owner_->options.on_body) parser_.pause_after_head();
}

void connection::begin() {
  set_deadline(owner_->options.limits.handshake_timeout_ms);
  stream_->handshake(true, shared_from_this());
}

void connection::on_handshake(io_error ec) {
  if (phase_ != phase::handshake) return;
  if (auto* ssl = stream_->ssl()) {
    if (ec) {
      const auto verified = SSL_get_verify_result(ssl);
      const std::string reason = timed_out_ ? "time-out" : verified != X509_V_OK ? X509_verify_cert_error_string(verified) : describe(ec);
      owner_->refused(peer_->address, reason);
      return timed_out_ ? abort() : close_gently();
    }
    if (auto* certificate = SSL_get0_peer_certificate(ssl)) {
      auto address = std::move(peer_->address);
      *peer_ = peer_of(certificate);
      peer_->address = std::move(address);
      // The chain of a resumed session is not verified again, but its date still counts.
      if (peer_->not_after <= base::system_clock_source().now()) {
        owner_->refused(peer_->address, "certificate has expired");
        return close_gently();
      }
      admitted_ = owner_->admit(peer_->thumbprint);
      over_partner_limit_ = !admitted_;
    }
  } else if (ec) {
    return abort();
  }
  if (owner_->stopping) return close_gently();
  phase_ = phase::idle;
  set_deadline(owner_->options.limits.idle_timeout_ms);
  read_more();
}

void connection::read_more() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (in_.size() - end_ < read_step / 2) {
    if (begin_ > 0) {
      in_.erase(0, begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (in_.size() - end_ < read_step) in_.resize(end_ + read_step);
  }
  reading_ = true;
  stream_->read(in_.data() + end_, in_.size() - end_, shared_from_this());
}

void connection::on_read(io_error ec, std::size_t n) {
  reading_ = false;
  if (phase_ == phase::closing || phase_ == phase::closed) return;
  if (ec) {
    if (timed_out_ && (phase_ == phase::head || phase_ == phase::body))
      return refuse(408, std::string("the request's ") + (phase_ == phase::head ? "head" : "body") + " did not arrive in time");
    if (timed_out_ || classify(ec) == io_failure::ended) return close_gently();
    return abort();
  }
  end_ += n;
  process();
}

void connection::process() {
  const auto& limits = owner_->options.limits;
  if (begin_ == end_) return read_more();
  if (phase_ == phase::idle) {
    phase_ = phase::head;
    first_byte_us_ = owner_->now_us();
    deadline_us_ = first_byte_us_ + limits.head_timeout_ms * 1000;
  }
  begin_ += parser_.put({in_.data() + begin_, end_ - begin_});
  switch (parser_.state()) {
    case parse_state::failed: return refuse(parser_.failure_status(), parser_.failure_text());
    case parse_state::done: return sink_ ? give_piece(true) : dispatch();
    case parse_state::head:
      if (end_ - begin_ > limits.head_bytes) return refuse(431, "the request's head is too large");
      return read_more();
    case parse_state::body:
      if (phase_ == phase::head) return head_taken();
      // A body is taken as it comes; what stays behind is at most a chunk's head.
      if (end_ - begin_ > limits.head_bytes) return refuse(400, "a chunk's head is too large");
      if (sink_ && parser_.message().body.size() >= piece_bytes) return give_piece(false);
      return read_more();
  }
}

void connection::head_taken() {
  phase_ = phase::body;
  const auto& options = owner_->options;
  set_deadline(options.limits.body_timeout_ms);
  if (over_limit_ || over_partner_limit_) return dispatch();
  if (options.on_body) {
    auto limit = options.limits.body_bytes;
    auto& head = parser_.message();
    head.peer = peer_;
    body_verdict verdict;
    try {
      verdict = options.on_body(head);
    } catch (const std::exception& e) {
      fault_ = std::string("the judge of the body threw: ") + e.what();
      return refuse(500, "the request's handler gave no answer");
    }
    if (verdict.refusal) return refuse(std::move(*verdict.refusal));
    if (verdict.sink && !is_plain(head))
      return refuse_coding({415, "what is stored as it comes can't be sent with a Content-Encoding; send the bytes as they are"});
    if (verdict.sink) {
      sink_ = std::move(verdict.sink);
      limit = verdict.limit;
    }
    if (!parser_.limit_body(limit)) return refuse(parser_.failure_status(), parser_.failure_text());
  }
  if (parser_.expects_continue() && !continue_sent_) {
    continue_sent_ = interim_ = true;
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    return stream_->write(out_, shared_from_this());
  }
  // Some of the body may have come with the head.
  begin_ == end_ ? read_more() : process();
}

// Nothing more is read until the sink has taken it.
void connection::give_piece(bool last) {
  auto piece = parser_.take_piece();
  request_body_bytes_ += piece.size();
  deadline_us_ = INT64_MAX;
  giving_ = true;
  sink_->take(std::move(piece),
              [weak = weak_from_this(), executor = stream_->socket().get_executor(), last](std::shared_ptr<response> refusal) {
                asio::post(executor, [weak, last, refusal = std::move(refusal)] {
                  if (auto self = weak.lock()) self->piece_taken(last, refusal);
                });
              });
}

void connection::piece_taken(bool last, const std::shared_ptr<response>& refusal) {
  giving_ = false;
  if (phase_ != phase::body) return;
  set_deadline(owner_->options.limits.body_timeout_ms);
  if (owner_->stopping) return close_gently();
  if (refusal) return refuse(std::move(*refusal));
  if (last) return dispatch();
  begin_ == end_ ? read_more() : process();
}

void connection::dispatch() {
  const auto now = owner_->now_us();
  read_done_us_ = now;
  const bool complete = parser_.state() == parse_state::done;
  keep_alive_ = complete && parser_.keep_alive() && !owner_->stopping;
  request r = parser_.take();
  to_head_ = r.method == "HEAD";
  method_ = r.method;
  target_ = r.target;
  if (sink_)
    r.sink = std::move(sink_);
  else
    request_body_bytes_ = r.body.size();
  if (over_limit_)
    return refuse(503,
                  "the server has its limit of " + std::to_string(owner_->options.limits.connections) + " connections; try again later");
  if (over_partner_limit_)
    return refuse(503, "this certificate has its limit of " + std::to_string(owner_->options.limits.connections_per_certificate) +
                           " connections; use fewer, or try again later");
  // Each request is authenticated again (dsf-fhir-server 2.2): a certificate may end while its connection lasts.
  if (peer_->has_certificate && peer_->not_after <= base::system_clock_source().now() && !DSF_MUTANT("net.expired_connection_goes_on"))
    return close_gently();
  if (complete && !r.sink)
    if (auto wrong = decode_body(r, owner_->options.limits.body_bytes)) return refuse_coding(std::move(*wrong));
  takes_gzip_ = false;
  if (owner_->options.gzip_from > 0)
    if (const auto* codings = r.headers.find("Accept-Encoding")) takes_gzip_ = accepts_gzip(*codings);
  phase_ = phase::handling;
  deadline_us_ = INT64_MAX;
  answered_ = false;
  ++exchange_;
  owner_->requests.fetch_add(1, std::memory_order_relaxed);
  r.peer = peer_;
  fault_.clear();
  if (owner_->options.on_websocket && wants_websocket(r)) return upgrade(r);
  try {
    owner_->handle(std::move(r), responder(std::weak_ptr<responder::target>(shared_from_this()), exchange_));
  } catch (const std::exception& e) {
    // The responder was dropped on the way out, so the answer is 500; on_exchange tells why.
    fault_ = std::string("the handler threw: ") + e.what();
  }
  inline_us_ = owner_->now_us() - now;
}

// RFC 6455 4.2
void connection::upgrade(const request& r) {
  try {
    verdict_ = owner_->options.on_websocket(r);
  } catch (const std::exception& e) {
    fault_ = std::string("the handler threw: ") + e.what();
    return dropped(exchange_);
  }
  const auto key = r.headers.value("Sec-WebSocket-Key");
  if (!verdict_.open) return deliver(exchange_, std::move(verdict_.refusal));
  if (r.headers.value("Sec-WebSocket-Version") != "13") {
    auto wrong = text_response(426, "only version 13 of the WebSocket protocol is spoken here");
    wrong.headers.add("Sec-WebSocket-Version", "13");
    return deliver(exchange_, std::move(wrong));
  }
  if (key.size() != 24) return deliver(exchange_, text_response(400, "Sec-WebSocket-Key must be 16 bytes in Base64"));
  answer_ = {};
  answer_.status = 101;
  answered_us_ = owner_->now_us();
  report(true);
  phase_ = phase::upgraded;
  deadline_us_ = INT64_MAX;
  auto verdict = std::exchange(verdict_, {});
  socket_ = accept_websocket(std::move(stream_), r, in_.substr(begin_, end_ - begin_), verdict.limits, std::move(verdict.open),
                             [weak = weak_from_this()] {
                               const auto self = weak.lock();
                               if (!self || std::exchange(self->phase_, phase::closed) == phase::closed) return;
                               self->owner_->gone(*self);
                             });
  in_ = {};
}

void connection::answer(std::uint64_t exchange, response&& r) {
  auto executor = stream_->socket().get_executor();
  if (executor.running_in_this_thread()) return deliver(exchange, std::move(r));
  // A weak reference, because what waits in the loop of a stopped server must not keep its connections alive.
  asio::post(executor, [weak = weak_from_this(), exchange, r = std::move(r)]() mutable {
    if (auto self = weak.lock()) self->deliver(exchange, std::move(r));
  });
}

void connection::dropped(std::uint64_t exchange) {
  auto text = std::string("the request's handler gave no answer");
  const auto& make = owner_->options.error_answer;
  answer(exchange, make ? make(500, std::move(text)) : text_response(500, std::move(text)));
}

void connection::deliver(std::uint64_t exchange, response&& r) {
  if (exchange != exchange_ || phase_ != phase::handling || answered_) return;
  answered_ = true;
  if (r.status < 200 || r.status > 999 || !is_sendable(r.headers)) {
    fault_ = "the handler's answer can't be sent: bad status or header field";
    return refuse(500, fault_);
  }
  answer_ = std::move(r);
  if (takes_gzip_) compress(answer_, to_head_, owner_->options.gzip_from);
  answered_us_ = owner_->now_us();
  phase_ = phase::writing;
  body_sent_ = 0;
  keep_alive_ = keep_alive_ && !owner_->stopping;
  out_.clear();
  write_response_head(out_, answer_, to_head_, keep_alive_);
  const bool bodiless = to_head_ || answer_.status == 204 || answer_.status == 304;
  if (bodiless) {
    body_sent_ = answer_.body_size();
  } else if (answer_.source) {
    // Follows the head.
  } else if (out_.size() + answer_.body.size() <= coalesce_bytes) {
    out_ += answer_.body.view();
    body_sent_ = answer_.body.size();
  }
  set_deadline(owner_->options.limits.write_timeout_ms);
  stream_->write(out_, shared_from_this());
}

void connection::refuse(response r) {
  // The rest of the request is not read, so the connection can't go on.
  keep_alive_ = false;
  sink_.reset();
  if (method_.empty()) method_ = parser_.message().method, target_ = parser_.message().target;
  if (read_done_us_ < first_byte_us_) read_done_us_ = owner_->now_us();
  phase_ = phase::handling;
  answered_ = false;
  timed_out_ = false;
  inline_us_ = 0;
  deliver(exchange_, std::move(r));
}

response connection::error_answer(int status, std::string text) const {
  const auto& make = owner_->options.error_answer;
  auto r = make ? make(status, text) : text_response(status, text);
  if (r.status != status || !is_sendable(r.headers)) r = text_response(status, std::move(text));
  return r;
}

void connection::refuse_coding(coding_refusal why) {
  auto r = error_answer(why.status, std::move(why.text));
  // RFC 9110 15.5.16
  if (why.status == 415) r.headers.set("Accept-Encoding", "gzip");
  refuse(std::move(r));
}

void connection::refuse(int status, std::string text) {
  auto r = error_answer(status, std::move(text));
  if (status == 503) r.headers.set("Retry-After", std::to_string(owner_->options.limits.retry_after_s));
  refuse(std::move(r));
}

void connection::on_written(io_error ec) {
  if (phase_ == phase::closing || phase_ == phase::closed) return;
  if (interim_) {
    interim_ = false;
    return ec ? abort() : read_more();
  }
  if (phase_ != phase::writing) return;
  if (ec) {
    report(false);
    return abort();
  }
  if (body_sent_ < answer_.body_size()) return answer_.source ? ask_source() : write_next();
  response_written();
}

void connection::write_next() {
  const auto stretch = answer_.body.view().substr(body_sent_, stretch_bytes);
  body_sent_ += stretch.size();
  set_deadline(owner_->options.limits.write_timeout_ms);
  stream_->write(stretch, shared_from_this());
}

void connection::ask_source() {
  // However long it takes: the other side waits for us now.
  deadline_us_ = INT64_MAX;
  answer_.source->next([weak = weak_from_this(), executor = stream_->socket().get_executor()](base::result<std::string> piece) {
    asio::post(executor, [weak, piece = std::move(piece)]() mutable {
      const auto self = weak.lock();
      if (!self || self->phase_ != phase::writing) return;
      const auto left = self->answer_.body_size() - self->body_sent_;
      if (!piece || piece->empty() || piece->size() > left) {
        self->fault_ = "the answer broke off: " + (piece ? std::string("it has another length than was said") : piece.error().to_string());
        self->report(false);
        return self->abort();
      }
      self->piece_ = std::move(*piece);
      self->body_sent_ += self->piece_.size();
      self->set_deadline(self->owner_->options.limits.write_timeout_ms);
      self->stream_->write(self->piece_, self);
    });
  });
}

void connection::response_written() {
  report(true);
  answer_ = {};
  piece_ = {};
  request_body_bytes_ = 0;
  if (!keep_alive_ || owner_->stopping) return close_gently();
  if (out_.capacity() > 4 * coalesce_bytes) out_ = {};
  parser_.reset();
  continue_sent_ = false;
  method_.clear();
  fault_.clear();
  phase_ = phase::idle;
  set_deadline(owner_->options.limits.idle_timeout_ms);
  if (begin_ == end_ && in_.size() > 8 * read_step) in_ = {};
  process();
}

void connection::report(bool delivered) {
  if (const auto& hook = owner_->options.on_exchange) {
    const auto now = owner_->now_us();
    hook(exchange{.who = *peer_,
                  .method = method_,
                  .target = target_,
                  .status = answer_.status,
                  .request_body_bytes = request_body_bytes_,
                  .response_body_bytes = to_head_ ? 0 : answer_.body_size(),
                  .read_us = read_done_us_ - first_byte_us_,
                  .handler_us = answered_us_ - read_done_us_,
                  .inline_us = inline_us_,
                  .write_us = now - answered_us_,
                  .delivered = delivered,
                  .fault = fault_});
  }
}

void connection::tick(std::int64_t now_us) {
  if (now_us < deadline_us_) return;
  deadline_us_ = INT64_MAX;
  timed_out_ = true;
  switch (phase_) {
    case phase::handshake:
    case phase::idle:
    case phase::head:
    case phase::body: return interim_ ? abort() : stream_->cancel();
    case phase::writing: report(false); return abort();
    case phase::closing: return stream_->close();
    case phase::handling:
    case phase::upgraded:
    case phase::closed: return;
  }
}

void connection::finish_soon() {
  if (phase_ == phase::idle) {
    timed_out_ = true;
    stream_->cancel();
  } else if (phase_ == phase::handshake || phase_ == phase::upgraded) {
    abort();
  }
  // A request under way sees `stopping` when its answer is written.
}

void connection::close_gently() {
  if (phase_ == phase::closing || phase_ == phase::closed) return;
  phase_ = phase::closing;
  set_deadline(closing_ms);
  stream_->close_gently(drain_at_most, shared_from_this());
}

void connection::on_closed() { abort(); }

void connection::abort() noexcept {
  if (phase_ == phase::closed) return;
  if (phase_ == phase::upgraded) return socket_->break_off("the server stops");
  phase_ = phase::closed;
  stream_->close();
  owner_->gone(*this);
}

}  // namespace dsf::net
