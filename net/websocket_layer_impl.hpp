// What Beast's WebSocket reads from and writes to: a connection's stream, with what was read behind the HTTP request first.
#pragma once

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "net/stream_impl.hpp"

namespace dsf::net {

class websocket_pipe final : public stream_events, public std::enable_shared_from_this<websocket_pipe> {
public:
  using completion = std::move_only_function<void(io_error, std::size_t)>;
  websocket_pipe(std::unique_ptr<stream> s, std::string already)
      : stream_(std::move(s)), already_(std::move(already)), last_read_us(base::system_clock_source().steady_us()) {}

  [[nodiscard]] stream& inside() noexcept { return *stream_; }
  void read(char* into, std::size_t room, completion done) {
    if (already_.empty() || room == 0) {
      read_done_ = std::move(done);
      return stream_->read(into, room, shared_from_this());
    }
    const auto n = std::min(room, already_.size());
    std::copy_n(already_.data(), n, into);
    already_.erase(0, n);
    asio::post(stream_->socket().get_executor(), [done = std::move(done), n]() mutable { done({}, n); });
  }
  [[nodiscard]] bool busy() const { return read_done_ || write_done_; }
  template <class Buffers>
  void write(const Buffers& buffers, completion done) {
    out_.resize(std::min(asio::buffer_size(buffers), write_at_most));
    asio::buffer_copy(asio::buffer(out_), buffers);
    write_done_ = std::move(done);
    stream_->write(out_, shared_from_this());
  }
  // Both a read that found a fault and a close that we began may ask for it; each is told of the end.
  void close_gently(std::move_only_function<void()> done) {
    if (is_closed_) return asio::post(stream_->socket().get_executor(), std::move(done));
    closed_.push_back(std::move(done));
    if (closed_.size() > 1) return;
    closing_since_us = base::system_clock_source().steady_us();
    stream_->close_gently(drain_at_most, shared_from_this());
  }

private:
  static constexpr std::size_t write_at_most = 64 * 1024;
  static constexpr std::size_t drain_at_most = 1024 * 1024;

  void on_handshake(io_error) override {}
  void on_read(io_error ec, std::size_t n) override {
    last_read_us = base::system_clock_source().steady_us();
    if (auto done = std::exchange(read_done_, nullptr)) done(ec, n);
  }
  void on_written(io_error ec) override {
    if (auto done = std::exchange(write_done_, nullptr)) done(ec, ec ? 0 : out_.size());
  }
  void on_closed() override {
    stream_->close();
    is_closed_ = true;
    for (auto& done : std::exchange(closed_, {})) done();
  }

  std::unique_ptr<stream> stream_;
  std::string already_, out_;
  completion read_done_, write_done_;
  std::vector<std::move_only_function<void()>> closed_;  // who waits for it
  bool is_closed_ = false;

public:
  // Steady times; 0: not yet.
  std::int64_t last_read_us;
  std::int64_t closing_since_us = 0;
};

// Beast's requirements AsyncReadStream and AsyncWriteStream, and what it calls to end a connection.
class websocket_layer {
public:
  using executor_type = socket_type::executor_type;
  explicit websocket_layer(std::shared_ptr<websocket_pipe> pipe) : pipe_(std::move(pipe)) {}
  [[nodiscard]] executor_type get_executor() const { return pipe_->inside().socket().get_executor(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(io_error, std::size_t)>(
        [pipe = pipe_](auto&& handler, const Buffers& into) {
          const asio::mutable_buffer first = *std::find_if(asio::buffer_sequence_begin(into), std::prev(asio::buffer_sequence_end(into)),
                                                           [](const asio::mutable_buffer& b) { return b.size() > 0; });
          pipe->read(static_cast<char*>(first.data()), first.size(), std::forward<decltype(handler)>(handler));
        },
        token, buffers);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(io_error, std::size_t)>(
        [pipe = pipe_](auto&& handler, const Buffers& from) { pipe->write(from, std::forward<decltype(handler)>(handler)); }, token,
        buffers);
  }
  friend void beast_close_socket(websocket_layer& l) { l.pipe_->inside().close(); }
  friend void teardown(boost::beast::role_type, websocket_layer& l, io_error&) { l.pipe_->inside().close(); }
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, websocket_layer& l, Handler&& handler) {
    l.pipe_->close_gently([h = std::forward<Handler>(handler)]() mutable { h(io_error{}); });
  }

private:
  std::shared_ptr<websocket_pipe> pipe_;
};

}  // namespace dsf::net
