// A TLS identity: who we are (certificate and key) and whom we trust. Loaded and checked once; shared by servers and clients.
#pragma once

#include <memory>
#include <string>

#include "base/secret.hpp"
#include "net/error.hpp"
#include "net/http.hpp"

namespace dsf::net {

struct tls_files {
  // PEM: our certificate first, then its intermediate CAs. Empty (with an empty key) for a client that shows no certificate.
  std::string certificate;
  std::string key;                // PEM, may be encrypted
  base::secret key_password;      // or:
  std::string key_password_file;  // its first line is the password
  // PEM file with CA certificates, or a folder whose *.crt and *.pem are read (dsf-fhir-server 2.2).
  std::string trust;
};

class tls_identity {
public:
  // Each check has a one-line error that names the file: missing, not PEM, wrong key password, key of another certificate,
  // expired or not yet valid, no CA.
  static result<tls_identity> load(const tls_files& files, const base::clock& time = base::system_clock_source());

  // What a peer will see of us; has_certificate is false without one.
  [[nodiscard]] const peer& self() const noexcept;
  [[nodiscard]] std::size_t trusted_count() const noexcept;

  struct impl;
  [[nodiscard]] const impl& inside() const noexcept { return *impl_; }

private:
  explicit tls_identity(std::shared_ptr<const impl> i) : impl_(std::move(i)) {}
  std::shared_ptr<const impl> impl_;
};

// The values of the first certificate in a PEM file.
result<peer> read_certificate(const std::string& file);
// Of a PEM text, as a reverse proxy hands it over.
result<peer> parse_certificate(std::string_view pem);

}  // namespace dsf::net
