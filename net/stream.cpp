#include "net/stream_impl.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace dsf::net {

namespace {

// Reads and drops until the other side ends, an error, or the limit.
void drain(socket_type& socket, std::size_t left, events_ptr owner) {
  auto junk = std::make_shared<std::array<char, 16 * 1024>>();
  socket.async_read_some(asio::buffer(*junk), [&socket, left, junk, owner = std::move(owner)](io_error ec, std::size_t n) mutable {
    if (ec || n >= left) {
      owner->on_closed();
      return;
    }
    drain(socket, left - n, std::move(owner));
  });
}

void half_close_and_drain(socket_type& socket, std::size_t limit, events_ptr owner) {
  io_error ec;
  socket.shutdown(tcp::socket::shutdown_send, ec);
  if (ec) {
    asio::post(socket.get_executor(), [owner = std::move(owner)] { owner->on_closed(); });
    return;
  }
  drain(socket, limit, std::move(owner));
}

void close_socket(socket_type& socket) noexcept {
  io_error ignored;  // closing twice, or a socket the peer reset, is fine
  socket.close(ignored);
}

void cancel_socket(socket_type& socket) noexcept {
  io_error ignored;  // a closed socket has nothing to cancel
  socket.cancel(ignored);
}

class plain final : public stream {
public:
  explicit plain(socket_type s) : socket_(std::move(s)) {}
  socket_type& socket() noexcept override { return socket_; }
  SSL* ssl() noexcept override { return nullptr; }
  void handshake(bool, events_ptr owner) override {
    asio::post(socket_.get_executor(), [owner = std::move(owner)] { owner->on_handshake({}); });
  }
  void read(char* into, std::size_t room, events_ptr owner) override {
    socket_.async_read_some(asio::buffer(into, room), [owner = std::move(owner)](io_error ec, std::size_t n) { owner->on_read(ec, n); });
  }
  void write(std::string_view bytes, events_ptr owner) override {
    asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                      [owner = std::move(owner)](io_error ec, std::size_t) { owner->on_written(ec); });
  }
  void close_gently(std::size_t limit, events_ptr owner) override { half_close_and_drain(socket_, limit, std::move(owner)); }
  void cancel() noexcept override { cancel_socket(socket_); }
  void close() noexcept override { close_socket(socket_); }

private:
  socket_type socket_;
};

asio::ssl::context::native_handle_type one_more(SSL_CTX* c) {
  SSL_CTX_up_ref(c);
  return c;
}

class tls final : public stream {
public:
  tls(socket_type s, SSL_CTX* c) : context_(one_more(c)), stream_(std::move(s), context_) {}
  socket_type& socket() noexcept override { return stream_.next_layer(); }
  SSL* ssl() noexcept override { return stream_.native_handle(); }
  void handshake(bool as_server, events_ptr owner) override {
    stream_.async_handshake(as_server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
                            [owner = std::move(owner)](io_error ec) { owner->on_handshake(ec); });
  }
  void read(char* into, std::size_t room, events_ptr owner) override {
    stream_.async_read_some(asio::buffer(into, room), [owner = std::move(owner)](io_error ec, std::size_t n) { owner->on_read(ec, n); });
  }
  void write(std::string_view bytes, events_ptr owner) override {
    asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                      [owner = std::move(owner)](io_error ec, std::size_t) { owner->on_written(ec); });
  }
  void close_gently(std::size_t limit, events_ptr owner) override {
    if (SSL_is_init_finished(ssl()) == 0) return half_close_and_drain(socket(), limit, std::move(owner));
    stream_.async_shutdown([this, limit, owner = std::move(owner)](io_error) mutable {
      // Whatever the other side made of the good-bye, the TCP side is ended the same way.
      half_close_and_drain(socket(), limit, std::move(owner));
    });
  }
  void cancel() noexcept override { cancel_socket(socket()); }
  void close() noexcept override { close_socket(socket()); }

private:
  asio::ssl::context context_;
  asio::ssl::stream<socket_type> stream_;
};

bool is_tls(const io_error& ec) noexcept { return ec.category() == asio::error::get_ssl_category(); }

}  // namespace

std::unique_ptr<stream> plain_stream(socket_type socket) { return std::make_unique<plain>(std::move(socket)); }
std::unique_ptr<stream> tls_stream(socket_type socket, SSL_CTX* context) { return std::make_unique<tls>(std::move(socket), context); }

io_failure classify(const io_error& ec) noexcept {
  if (!ec) return io_failure::none;
  if (ec == asio::error::operation_aborted) return io_failure::cancelled;
  if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated || ec == asio::error::connection_reset ||
      ec == asio::error::broken_pipe)
    return io_failure::ended;
  if (!is_tls(ec)) return io_failure::other;
  switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:  // what a TLS 1.2 server says when the certificate is missing
      return io_failure::certificate_alert;
    default: break;
  }
  const auto reason = ERR_GET_REASON(static_cast<unsigned long>(ec.value()));
  return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256 ? io_failure::other_alert : io_failure::tls;
}

std::string describe(const io_error& ec) {
  if (is_tls(ec))
    if (const char* reason = ERR_reason_error_string(static_cast<unsigned long>(ec.value()))) return reason;
  return ec.message();
}

}  // namespace dsf::net
