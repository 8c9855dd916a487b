// One mail to one SMTP server (RFC 5321), over TLS where it is asked for. The only user of libcurl.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "net/error.hpp"

namespace dsf::net {

enum class smtp_security : std::uint8_t {
  starttls,  // RFC 3207; a server that does not offer it gets nothing
  tls,       // from the first byte (RFC 8314)
  none,
};

struct smtp_server {
  std::string host;
  std::uint16_t port = 587;
  smtp_security security = smtp_security::starttls;
  std::string username;
  base::secret password;
  std::string trust;             // PEM file with the authorities of its certificate
  std::string certificate, key;  // PEM files, shown to it; empty: none
  base::secret key_password;
  std::string own_name;  // for EHLO
  std::int64_t timeout_ms = 30'000;
};

// `message`: complete, lines end with CRLF. Blocks until the server has taken or refused it. may_have_been_processed tells of a failure whether
// the mail can have arrived.
result<> send_mail(const smtp_server& server, const std::string& from, const std::vector<std::string>& to, const std::string& message);

}  // namespace dsf::net
