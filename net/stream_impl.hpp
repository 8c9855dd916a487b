// A byte stream over TCP, with or without TLS, so that the logic of server and client is compiled without either.
#pragma once

#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "net/io_threads_impl.hpp"

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace dsf::net {

using io_error = boost::system::error_code;

// Called on the stream's loop, never from inside the call that started the operation.
struct stream_events {
  virtual ~stream_events() = default;
  virtual void on_handshake(io_error ec) = 0;
  virtual void on_read(io_error ec, std::size_t n) = 0;
  virtual void on_written(io_error ec) = 0;
  virtual void on_closed() = 0;
};
using events_ptr = std::shared_ptr<stream_events>;

class stream {
public:
  virtual ~stream() = default;
  [[nodiscard]] virtual socket_type& socket() noexcept = 0;
  // Null without TLS.
  [[nodiscard]] virtual SSL* ssl() noexcept = 0;
  virtual void handshake(bool as_server, events_ptr owner) = 0;
  virtual void read(char* into, std::size_t room, events_ptr owner) = 0;
  // All of it; the bytes must stay until on_written.
  virtual void write(std::string_view bytes, events_ptr owner) = 0;
  // Says good-bye, then swallows what the other side still sends (a reset would destroy our last answer on its way), at most
  // `drain_bytes`; ends with on_closed, at the latest after close().
  virtual void close_gently(std::size_t drain_bytes, events_ptr owner) = 0;
  virtual void cancel() noexcept = 0;
  virtual void close() noexcept = 0;
};

std::unique_ptr<stream> plain_stream(socket_type socket);
// Takes a reference of its own to the context.
std::unique_ptr<stream> tls_stream(socket_type socket, SSL_CTX* context);

enum class io_failure : std::uint8_t { none, cancelled, ended, certificate_alert, other_alert, tls, other };
[[nodiscard]] io_failure classify(const io_error& ec) noexcept;
// "tlsv13 alert certificate required", "Connection reset by peer".
[[nodiscard]] std::string describe(const io_error& ec);

}  // namespace dsf::net
