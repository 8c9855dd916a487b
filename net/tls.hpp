// A TLS identity: who we are (certificate and key) and whom we trust. Loaded and checked once; shared by servers and clients.
#pragma once

#include <memory>
#include <string>

#include "base/secret.hpp"
#include "net/error.hpp"
#include "net/http.hpp"

namespace dsf::net {

enum class identity_use : std::uint8_t { any, server, client };

// What a list of revoked certificates (CRL) decides about peers.
enum class revocation : std::uint8_t {
  off,         // lists are not looked at
  if_present,  // who is on a list is refused; an authority without a list, or with an outdated one, refuses nobody
  required,    // each authority below the trusted one needs a list that is up to date
};

struct tls_files {
  // PEM: our certificate first, then its intermediate CAs; or PKCS#12 (*.p12, *.pfx), which holds the key too. Empty (with an empty key)
  // for a client that shows no certificate.
  std::string certificate;
  std::string key;                // PEM, may be encrypted; empty with PKCS#12
  base::secret key_password;      // or:
  std::string key_password_file;  // its first line is the password
  // PEM file with CA certificates, or a folder whose *.crt and *.pem are read (dsf-fhir-server 2.2).
  std::string trust;
  std::string chain = {};            // PEM with further intermediate CAs
  std::string revocation_lists = {};  // PEM or DER file, or a folder whose *.crl and *.pem are read
  revocation revoked = revocation::off;
  identity_use use = identity_use::any;  // checked against the certificate's extended key usage
};

// True for what is read as PKCS#12, by the file's name.
[[nodiscard]] bool is_pkcs12(std::string_view file) noexcept;

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

// When the first of the certificates ends that an identity shows: its own and the intermediate ones.
result<base::timestamp> identity_ends(const tls_files& files);
// Checks a single client certificate that another program took (a reverse proxy) as the TLS layer would check it: dates, trust, use, revocation.
result<peer> verify_client(const tls_identity& by, std::string_view pem);

// The values of the first certificate in a PEM file.
result<peer> read_certificate(const std::string& file);
// Of a PEM text, as a reverse proxy hands it over.
result<peer> parse_certificate(std::string_view pem);

}  // namespace dsf::net
