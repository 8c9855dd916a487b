// The other end of a connection as a given run of bytes: for tests that need no socket.
#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <memory>
#include <string>

#include "net/stream_impl.hpp"

namespace dsf::net {

// Gives the bytes in pieces, then the end of the stream; swallows what is written.
class fed_stream final : public stream {
public:
  fed_stream(asio::io_context& loop, std::string bytes, std::size_t step)
      : socket_(loop.get_executor()), bytes_(std::move(bytes)), step_(step) {}
  socket_type& socket() noexcept override { return socket_; }
  SSL* ssl() noexcept override { return nullptr; }
  void handshake(bool, events_ptr) override { std::abort(); }
  void read(char* into, std::size_t room, events_ptr owner) override {
    const auto n = closed_ ? 0 : std::min({room, step_, bytes_.size() - at_});
    std::copy_n(bytes_.data() + at_, n, into);
    at_ += n;
    asio::post(socket_.get_executor(), [owner = std::move(owner), n] { owner->on_read(n ? io_error{} : asio::error::eof, n); });
  }
  void write(std::string_view, events_ptr owner) override {
    asio::post(socket_.get_executor(), [owner = std::move(owner)] { owner->on_written({}); });
  }
  void close_gently(std::size_t, events_ptr owner) override {
    asio::post(socket_.get_executor(), [owner = std::move(owner)] { owner->on_closed(); });
  }
  void cancel() noexcept override {}
  void close() noexcept override { closed_ = true; }

private:
  socket_type socket_;
  std::string bytes_;
  std::size_t at_ = 0, step_;
  bool closed_ = false;
};

}  // namespace dsf::net
