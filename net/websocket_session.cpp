#include "net/websocket_session_impl.hpp"

#include <openssl/rand.h>

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <optional>

#include "net/websocket_layer_impl.hpp"

namespace dsf::net {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace protocol = beast::websocket;

constexpr std::size_t ping_bytes = 32;  // dsf-fhir-server 5.1
constexpr std::int64_t close_wait_us = 2'000'000;
constexpr std::int64_t look_every_ms = 250;

std::int64_t now_us() { return base::system_clock_source().steady_us(); }

bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    auto part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    while (part.starts_with(' ') || part.starts_with('\t')) part.remove_prefix(1);
    while (part.ends_with(' ') || part.ends_with('\t')) part.remove_suffix(1);
    if (equals_ignoring_case(part, token)) return true;
  }
  return false;
}

beast::string_view view(std::string_view s) { return {s.data(), s.size()}; }

class session final : public websocket_session, public std::enable_shared_from_this<session> {
public:
  session(std::unique_ptr<stream> s, std::string already, websocket_limits limits)
      : pipe_(std::make_shared<websocket_pipe>(std::move(s), std::move(already))),
        limits_(limits),
        socket_(std::in_place, pipe_),
        timer_(socket_->get_executor()) {
    socket_->set_option(protocol::stream_base::timeout{protocol::stream_base::none(), protocol::stream_base::none(), false});
    socket_->read_message_max(limits_.message_bytes);
    socket_->auto_fragment(false);
    socket_->text(true);
  }

  void accept(const request& asked, std::function<websocket_handlers(websocket)> open, std::function<void()> gone) {
    gone_ = std::move(gone);
    http::request<http::empty_body> head(http::verb::get, view(asked.target), 11);
    for (const auto& h : asked.headers) head.insert(view(h.name), view(h.value));
    socket_->set_option(protocol::stream_base::decorator([](protocol::response_type& answer) { answer.set(http::field::server, "dsfd"); }));
    write_since_us_ = now_us();
    arm();
    socket_->async_accept(head, [self = shared_from_this(), open = std::move(open)](io_error ec) {
      if (self->ended_) return;
      if (ec) return self->break_off("the connection was lost: " + describe(ec));
      self->begin(open(websocket(self->weak_target())));
    });
  }

  void ask(const std::string& host, const std::string& target, const header_list& headers, websocket_handlers handlers,
           std::function<void(const websocket_refusal*)> done) {
    socket_->set_option(protocol::stream_base::decorator([headers](protocol::request_type& question) {
      for (const auto& h : headers) question.set(view(h.name), view(h.value));
    }));
    auto answer = std::make_shared<protocol::response_type>();
    socket_->async_handshake(
        *answer, view(host), view(target),
        [self = shared_from_this(), answer, handlers = std::move(handlers), done = std::move(done)](io_error ec) mutable {
          if (self->ended_) return;
          if (ec) {
            self->ended_ = true;
            const websocket_refusal why{ec, ec == protocol::error::upgrade_declined ? static_cast<int>(answer->result_int()) : 0};
            done(&why);
            return self->pipe_->inside().close();
          }
          done(nullptr);
          self->arm();
          self->begin(std::move(handlers));
        });
  }

  void send_text(std::string text) override {
    on_loop([text = std::move(text)](session& s) mutable { s.enqueue(std::move(text)); });
  }
  void end(std::uint16_t code, std::string reason) override {
    on_loop([code, reason = std::move(reason)](session& s) {
      if (std::exchange(s.close_wanted_, true)) return;
      s.end_ = {code, reason};
      s.close_since_us_ = now_us();
      s.close_when_written();
    });
  }
  void cut() override {
    on_loop([](session& s) { s.break_off("cut off by us"); });
  }

  void break_off(std::string reason) override {
    if (ended_) return;
    pipe_->inside().close();
    finish({protocol::close_code::abnormal, std::move(reason)});
  }

private:
  std::weak_ptr<websocket::target> weak_target() { return std::static_pointer_cast<websocket::target>(shared_from_this()); }

  void on_loop(std::function<void(session&)> what) {
    asio::post(timer_.get_executor(), [weak = weak_from_this(), what = std::move(what)] {
      if (auto self = weak.lock(); self && !self->ended_) what(*self);
    });
  }

  void begin(websocket_handlers handlers) {
    handlers_ = std::move(handlers);
    open_ = true;
    write_since_us_ = 0;
    next_ping_us_ = now_us() + limits_.ping_every_ms * 1000;
    socket_->control_callback([weak = weak_from_this()](protocol::frame_type kind, beast::string_view payload) {
      const auto self = weak.lock();
      if (!self || kind != protocol::frame_type::pong) return;
      if (self->ping_ != std::string_view(payload.data(), payload.size()) && self->handlers_.on_note)
        self->handlers_.on_note("a pong answers no ping of ours");
      self->ping_.clear();
    });
    read_next();
    write_next();
  }

  void read_next() {
    socket_->async_read(in_, [self = shared_from_this()](io_error ec, std::size_t) {
      if (self->ended_) return;
      if (ec) return self->read_failed(ec);
      // dsf-fhir-server 5.1: only texts mean something.
      if (self->socket_->got_text() && !self->close_wanted_ && self->handlers_.on_text) {
        const auto bytes = self->in_.cdata();
        self->handlers_.on_text(std::string(static_cast<const char*>(bytes.data()), bytes.size()));
      }
      self->in_.consume(self->in_.size());
      if (!self->ended_) self->read_next();
    });
  }

  void read_failed(io_error ec) {
    const auto& said = socket_->reason();
    if (ec == protocol::error::closed)
      return finish(close_wanted_ ? std::move(end_)
                                  : websocket_end{said.code == protocol::close_code::none ? std::uint16_t{protocol::close_code::no_status}
                                                                                          : static_cast<std::uint16_t>(said.code),
                                                  std::string(said.reason.data(), said.reason.size())});
    // What Beast finds wrong it has told the other side with a close frame of this code.
    if (ec == protocol::error::message_too_big)
      return finish(
          {protocol::close_code::too_big, "a message is larger than the limit of " + std::to_string(limits_.message_bytes) + " bytes"});
    if (ec == protocol::error::bad_frame_payload) return finish({protocol::close_code::bad_payload, ec.message()});
    if (ec.category() == make_error_code(protocol::error::closed).category())
      return finish({protocol::close_code::protocol_error, ec.message()});
    break_off("the connection was lost: " + describe(ec));
  }

  void enqueue(std::string text) {
    if (close_wanted_) return;
    if (out_.size() >= limits_.queued_messages || out_bytes_ + text.size() > limits_.queued_bytes)
      return break_off("the other side does not read: " + std::to_string(out_.size()) + " messages with " + std::to_string(out_bytes_) +
                       " bytes wait for it");
    out_bytes_ += text.size();
    out_.push_back(std::move(text));
    write_next();
  }

  void write_next() {
    if (!open_ || write_since_us_ != 0 || out_.empty()) return;
    write_since_us_ = now_us();
    socket_->async_write(asio::buffer(out_.front()), [self = shared_from_this()](io_error ec, std::size_t) {
      if (self->ended_) return;
      self->write_since_us_ = 0;
      // After the other side's good-bye nothing can be written; the read under way tells of it.
      if (ec == protocol::error::closed) return;
      if (ec) return self->break_off("the connection was lost: " + describe(ec));
      self->out_bytes_ -= self->out_.front().size();
      self->out_.pop_front();
      self->write_next();
      if (self->close_wanted_) self->close_when_written();
    });
  }

  void close_when_written() {
    if (!open_ || !out_.empty() || std::exchange(close_begun_, true)) return;
    protocol::close_reason reason(static_cast<protocol::close_code>(end_.code));
    reason.reason.assign(view(end_.reason).substr(0, reason.reason.max_size()));
    socket_->async_close(reason, [self = shared_from_this()](io_error) {
      if (!self->ended_) self->finish(std::move(self->end_));
    });
  }

  void finish(websocket_end e) {
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    auto handlers = std::exchange(handlers_, {});
    if (handlers.on_end) handlers.on_end(std::move(e));
    if (auto gone = std::exchange(gone_, nullptr)) gone();
    let_go();
  }

  // Where the other side's fault meets our close, Beast's two operations wait for each other for ever, and they hold this session. Without
  // its stream they are gone; what reads or writes has to have come back before, because it refers to the stream.
  void let_go() {
    pipe_->inside().close();
    asio::post(timer_.get_executor(), [self = shared_from_this()] { self->drop_stream(); });
  }
  void drop_stream() {
    if (!pipe_->busy()) return socket_.reset();
    timer_.expires_after(std::chrono::milliseconds(look_every_ms));
    timer_.async_wait([self = shared_from_this()](io_error) { self->drop_stream(); });
  }

  void arm() {
    timer_.expires_after(std::chrono::milliseconds(look_every_ms));
    timer_.async_wait([weak = weak_from_this()](io_error ec) {
      if (auto self = weak.lock(); self && !ec && !self->ended_) self->tick();
    });
  }

  void tick() {
    const auto now = now_us();
    if (write_since_us_ != 0 && now - write_since_us_ > limits_.write_timeout_ms * 1000) return break_off("the other side does not read");
    if (close_wanted_ && now - close_since_us_ > close_wait_us) {
      pipe_->inside().close();
      return finish(std::move(end_));
    }
    // Beast has said good-bye for us and waits for the other side to end the connection.
    if (pipe_->closing_since_us != 0 && now - pipe_->closing_since_us > close_wait_us) pipe_->inside().close();
    if (now - pipe_->last_read_us > limits_.idle_timeout_ms * 1000)
      return break_off("nothing came for " + std::to_string(limits_.idle_timeout_ms / 1000) + " s, not even an answer to a ping");
    if (open_ && now >= next_ping_us_ && !close_wanted_ && !pinging_) ping(now);
    arm();
  }

  void ping(std::int64_t now) {
    std::array<unsigned char, ping_bytes> bytes{};
    // OpenSSL's generator fails only without any entropy, and then no TLS connection came to be either.
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) bytes.fill(0x5a);
    ping_.assign(bytes.begin(), bytes.end());
    next_ping_us_ = now + limits_.ping_every_ms * 1000;
    pinging_ = true;
    socket_->async_ping(protocol::ping_data(view(ping_)), [self = shared_from_this()](io_error) {
      self->pinging_ = false;  // a lost connection is noticed by the read
    });
  }

  std::shared_ptr<websocket_pipe> pipe_;
  websocket_limits limits_;
  std::optional<protocol::stream<websocket_layer>> socket_;  // until let_go()
  timer_type timer_;
  beast::flat_buffer in_;
  websocket_handlers handlers_;
  std::function<void()> gone_;
  std::deque<std::string> out_;  // the first is being written while write_since_us_ is not 0
  std::size_t out_bytes_ = 0;
  bool open_ = false;
  bool close_wanted_ = false;
  bool close_begun_ = false;
  bool pinging_ = false;
  bool ended_ = false;
  websocket_end end_;  // as we said it
  std::string ping_;  // what the last ping carried and no pong has answered
  std::int64_t next_ping_us_ = 0, write_since_us_ = 0, close_since_us_ = 0;
};

}  // namespace

bool wants_websocket(const request& r) noexcept {
  return r.method == "GET" && has_token(r.headers.value("Upgrade"), "websocket") && has_token(r.headers.value("Connection"), "Upgrade");
}

void websocket::send(std::string text) const {
  if (auto to = target_.lock()) to->send_text(std::move(text));
}
void websocket::close(std::uint16_t code, std::string reason) const {
  if (auto to = target_.lock()) to->end(code, std::move(reason));
}
void websocket::abort() const {
  if (auto to = target_.lock()) to->cut();
}

std::shared_ptr<websocket_session> accept_websocket(std::unique_ptr<stream> s, const request& asked, std::string already,
                                                    websocket_limits limits, std::function<websocket_handlers(websocket)> open,
                                                    std::function<void()> gone) {
  auto made = std::make_shared<session>(std::move(s), std::move(already), limits);
  made->accept(asked, std::move(open), std::move(gone));
  return made;
}

std::shared_ptr<websocket_session> request_websocket(std::unique_ptr<stream> s, std::string host, std::string target,
                                                     const header_list& headers, websocket_limits limits, websocket_handlers handlers,
                                                     std::function<void(const websocket_refusal*)> done) {
  auto made = std::make_shared<session>(std::move(s), std::string(), limits);
  made->ask(host, target, headers, std::move(handlers), std::move(done));
  return made;
}

}  // namespace dsf::net
