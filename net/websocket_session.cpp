#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

#include "base/clock.hpp"
#include "net/websocket_session_impl.hpp"

namespace dsf::net {

namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t ping_bytes = 32;  // dsf-fhir-server 5.1
constexpr std::int64_t close_wait_us = 2'000'000;
constexpr std::int64_t look_every_ms = 250;
constexpr std::size_t drain_at_most = 1024 * 1024;

std::int64_t now_us() { return base::system_clock_source().steady_us(); }

template <std::size_t N>
std::array<std::uint8_t, N> random_bytes() {
  std::array<std::uint8_t, N> out{};
  // OpenSSL's generator fails only without any entropy, and then no TLS connection came to be either.
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) out.fill(0x5a);
  return out;
}

std::string base64(const unsigned char* bytes, std::size_t n) {
  std::string out(4 * ((n + 2) / 3) + 1, '\0');
  out.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(n))));
  return out;
}

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

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base64(digest, size);
}

std::string websocket_key() {
  const auto bytes = random_bytes<16>();
  return base64(bytes.data(), bytes.size());
}

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

websocket_session::websocket_session(std::unique_ptr<stream> s, bool as_server, websocket_limits limits, std::function<void()> gone)
    : stream_(std::move(s)),
      as_server_(as_server),
      limits_(limits),
      gone_(std::move(gone)),
      reader_(as_server, limits.message_bytes),
      timer_(stream_->socket().get_executor()),
      in_(read_bytes, '\0') {}

void websocket_session::on_loop(std::function<void(websocket_session&)> what) {
  auto executor = stream_->socket().get_executor();
  asio::post(executor, [weak = weak_from_this(), what = std::move(what)] {
    if (auto self = weak.lock(); self && !self->ended_) what(*self);
  });
}

void websocket_session::send_text(std::string text) {
  on_loop([text = std::move(text)](websocket_session& s) {
    if (!s.close_sent_) s.enqueue(frame_kind::text, text);
  });
}
void websocket_session::end(std::uint16_t code, std::string reason) {
  on_loop([code, reason = std::move(reason)](websocket_session& s) { s.say_close(code, reason); });
}
void websocket_session::cut() {
  on_loop([](websocket_session& s) { s.break_off("cut off by us"); });
}

void websocket_session::begin(websocket_handlers handlers, std::string_view already) {
  handlers_ = std::move(handlers);
  last_read_us_ = now_us();
  next_ping_us_ = last_read_us_ + limits_.ping_every_ms * 1000;
  arm();
  if (already.empty()) return read_more();
  reader_.put(already);
  // As if it had just been read.
  on_loop([](websocket_session& s) { s.on_read({}, 0); });
}

void websocket_session::read_more() { stream_->read(in_.data(), in_.size(), shared_from_this()); }

void websocket_session::on_read(io_error ec, std::size_t n) {
  if (ended_) return;
  if (ec) return close_sent_ && close_received_ ? finish(std::move(end_)) : break_off("the connection was lost: " + describe(ec));
  last_read_us_ = now_us();
  reader_.put({in_.data(), n});
  while (auto m = reader_.next())
    if (!take(std::move(*m))) return;
  if (reader_.fault() != 0) {
    end_ = {reader_.fault(), reader_.fault_text()};
    close_received_ = true;  // what follows can't be read any more
    return say_close(reader_.fault(), reader_.fault_text());
  }
  read_more();
}

bool websocket_session::take(websocket_message m) {
  switch (m.kind) {
    case frame_kind::text:
      if (!close_sent_ && handlers_.on_text) handlers_.on_text(std::move(m.payload));
      break;
    case frame_kind::ping: enqueue(frame_kind::pong, m.payload); break;
    case frame_kind::pong:
      if (m.payload != ping_ && handlers_.on_note) handlers_.on_note("a pong answers no ping of ours");
      ping_.clear();
      break;
    case frame_kind::close: {
      const auto reason = parse_close(m.payload);
      if (!close_received_)
        end_ = reason ? websocket_end{reason->code, reason->text} : websocket_end{close_code::protocol_error, "a malformed close frame"};
      close_received_ = true;
      if (close_sent_) {
        finish(std::move(end_));
      } else {
        say_close(reason ? (reason->code == close_code::none ? close_code::normal : reason->code) : close_code::protocol_error, {});
      }
      return false;
    }
    case frame_kind::binary:
    case frame_kind::continuation: break;
  }
  return !ended_;
}

void websocket_session::enqueue(frame_kind kind, std::string_view payload) {
  if (out_.size() >= limits_.queued_messages || out_bytes_ + payload.size() > limits_.queued_bytes)
    return break_off("the other side does not read: " + std::to_string(out_.size()) + " messages with " + std::to_string(out_bytes_) +
                     " bytes wait for it");
  if (as_server_) {
    out_.push_back(make_frame(kind, payload));
  } else {
    const auto mask = random_bytes<4>();
    out_.push_back(make_frame(kind, payload, &mask));
  }
  out_bytes_ += out_.back().size();
  write_next();
}

void websocket_session::write_next() {
  if (writing_ || out_.empty()) return;
  writing_ = true;
  write_since_us_ = now_us();
  stream_->write(out_.front(), shared_from_this());
}

void websocket_session::on_written(io_error ec) {
  if (ended_) return;
  writing_ = false;
  if (ec) return break_off("the connection was lost: " + describe(ec));
  out_bytes_ -= out_.front().size();
  out_.pop_front();
  if (!out_.empty()) return write_next();
  // RFC 6455 7.1.1: the server closes the connection when both sides have said good-bye.
  if (close_sent_ && close_received_ && as_server_) finish(std::move(end_));
}

void websocket_session::say_close(std::uint16_t code, std::string reason) {
  if (close_sent_) return;
  if (!close_received_) end_ = {code, reason};
  enqueue(frame_kind::close, close_payload(code, reason));
  close_sent_ = true;
  close_since_us_ = now_us();
  if (close_received_ && !ended_ && !as_server_) read_more();  // until the server ends the connection
}

void websocket_session::break_off(std::string reason) {
  if (ended_) return;
  stream_->close();
  finish({close_code::abnormal, std::move(reason)});
}

void websocket_session::finish(websocket_end e) {
  if (std::exchange(ended_, true)) return;
  const auto keep = shared_from_this();
  timer_.cancel();
  if (close_sent_ && !writing_ && e.code != close_code::abnormal)
    stream_->close_gently(drain_at_most, keep);  // ends with on_closed
  else
    stream_->close();
  auto handlers = std::exchange(handlers_, {});
  if (handlers.on_end) handlers.on_end(std::move(e));
  if (auto gone = std::exchange(gone_, nullptr)) gone();
}

void websocket_session::on_closed() { stream_->close(); }

void websocket_session::arm() {
  timer_.expires_after(std::chrono::milliseconds(look_every_ms));
  timer_.async_wait([weak = weak_from_this()](io_error ec) {
    if (auto self = weak.lock(); self && !ec && !self->ended_) self->tick();
  });
}

void websocket_session::tick() {
  const auto now = now_us();
  if (writing_ && now - write_since_us_ > limits_.write_timeout_ms * 1000) return break_off("the other side does not read");
  if (close_sent_ && now - close_since_us_ > close_wait_us) {
    stream_->close();
    return finish(std::move(end_));
  }
  if (now - last_read_us_ > limits_.idle_timeout_ms * 1000)
    return break_off("nothing came for " + std::to_string(limits_.idle_timeout_ms / 1000) + " s, not even an answer to a ping");
  if (now >= next_ping_us_ && !close_sent_) {
    const auto bytes = random_bytes<ping_bytes>();
    ping_.assign(bytes.begin(), bytes.end());
    next_ping_us_ = now + limits_.ping_every_ms * 1000;
    enqueue(frame_kind::ping, ping_);
    if (ended_) return;
  }
  arm();
}

}  // namespace dsf::net
