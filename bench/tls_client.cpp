#include "bench/tls_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace dsf::bench {

using base::fail;
using base::result;

namespace {

result<int> open_socket(const load_target& t) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  // What listens here listens on 127.0.0.1; the name may be ::1 as well.
  const bool here = t.host == "localhost";
  wanted.ai_family = here ? AF_INET : AF_UNSPEC;
  const auto port = std::to_string(t.port);
  if (const int e = ::getaddrinfo(here ? "127.0.0.1" : t.host.c_str(), port.c_str(), &wanted, &found); e != 0)
    return fail(base::errc::io, fmt::format("the host's address can't be found: {}", ::gai_strerror(e)), t.host);
  int fd = -1;
  std::string why = "no address";
  for (const auto* a = found; a != nullptr && fd < 0; a = a->ai_next) {
    fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, a->ai_addr, a->ai_addrlen) == 0) break;
    why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  ::freeaddrinfo(found);
  if (fd < 0) return fail(base::errc::io, fmt::format("no connection to {}:{}: {}", t.host, t.port, why));
  return fd;
}

}  // namespace

std::string tls_reason() {
  char text[256] = "no reason given";
  if (const auto code = ::ERR_get_error(); code != 0) ::ERR_error_string_n(code, text, sizeof text);
  ::ERR_clear_error();
  return text;
}

result<tls_context> tls_context_of(const load_target& t) {
  tls_context c(::SSL_CTX_new(TLS_client_method()));
  ::SSL_CTX_set_min_proto_version(c.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(c.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER, nullptr);
  if (::SSL_CTX_load_verify_locations(c.get(), t.trust.c_str(), nullptr) != 1)
    return fail(base::errc::io, "the CA can't be read: " + tls_reason(), t.trust);
  if (::SSL_CTX_use_certificate_chain_file(c.get(), t.certificate.c_str()) != 1)
    return fail(base::errc::io, "the certificate can't be read: " + tls_reason(), t.certificate);
  if (::SSL_CTX_use_PrivateKey_file(c.get(), t.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(base::errc::io, "the key can't be read: " + tls_reason(), t.key);
  return c;
}

result<tls_link> tls_connect(SSL_CTX* context, const load_target& t) {
  tls_link c;
  c.fd = TRY(open_socket(t));
  const int on = 1;
  ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  c.ssl.reset(::SSL_new(context));
  ::SSL_set_tlsext_host_name(c.ssl.get(), t.host.c_str());
  ::SSL_set1_host(c.ssl.get(), t.host.c_str());
  ::SSL_set_fd(c.ssl.get(), c.fd);
  if (::SSL_connect(c.ssl.get()) != 1) {
    ::close(c.fd);
    return fail(base::errc::io, "the TLS handshake failed: " + tls_reason());
  }
  ::fcntl(c.fd, F_SETFL, ::fcntl(c.fd, F_GETFL) | O_NONBLOCK);
  return c;
}

}  // namespace dsf::bench
