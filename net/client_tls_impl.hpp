// What every client does with TLS: it names the host it expects, and says in words why a handshake failed.
#pragma once

#include <string>
#include <utility>

#include "net/error.hpp"
#include "net/stream_impl.hpp"

namespace dsf::net {

// False: OpenSSL does not take the name.
bool expect_host(SSL* ssl, const std::string& host);
// `ssl` null: a connection without TLS.
std::pair<errc, std::string> handshake_failure(SSL* ssl, const io_error& ec);

}  // namespace dsf::net
