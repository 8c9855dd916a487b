// TLS connections of the load generator, on plain OpenSSL and without an event loop of its own.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "bench/load_client.hpp"

namespace dsf::bench {

struct context_free {
  void operator()(SSL_CTX* c) const { ::SSL_CTX_free(c); }
};
struct ssl_free {
  void operator()(SSL* s) const { ::SSL_free(s); }
};
using tls_context = std::unique_ptr<SSL_CTX, context_free>;
using tls_session = std::unique_ptr<SSL, ssl_free>;

// OpenSSL's last complaint.
std::string tls_reason();
base::result<tls_context> tls_context_of(const load_target& t);

struct tls_link {
  int fd = -1;  // does not block
  tls_session ssl;
};
// Waits for the handshake. The caller closes `fd`.
base::result<tls_link> tls_connect(SSL_CTX* context, const load_target& t);

}  // namespace dsf::bench
