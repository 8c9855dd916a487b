// A development PKI: a CA of its own and certificates for servers, organisations and practitioners. Not for production use.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "net/error.hpp"

namespace dsf::net {

enum class key_kind : std::uint8_t { ec_p256, rsa_3072 };

struct pki_files {
  std::string certificate;  // written with mode 0644
  std::string key;          // written with mode 0600, PKCS#8
};

struct ca_request {
  std::string common_name = "dsfd development CA";
  int valid_days = 3'650;
  key_kind key = key_kind::ec_p256;
  base::secret key_password;  // empty: the key is not encrypted
};

enum class certificate_use : std::uint8_t {
  server,  // serverAuth; localhost, 127.0.0.1 and ::1 unless `names` or `addresses` say otherwise
  client,  // clientAuth
};

struct certificate_request {
  certificate_use use = certificate_use::client;
  std::string common_name;
  std::string organization;  // subject O; may be empty
  std::string email;         // a practitioner's: subject emailAddress and SAN rfc822Name
  std::vector<std::string> names;      // SAN dNSName
  std::vector<std::string> addresses;  // SAN iPAddress
  int valid_days = 397;      // negative: expired so many days ago
  int starts_in_days = 0;    // positive: not valid yet
  key_kind key = key_kind::ec_p256;
  base::secret key_password;
};

// None of these overwrites a file: `file_exists` names the one in the way.
result<void> create_ca(const ca_request& request, const pki_files& to, const base::clock& time = base::system_clock_source());
result<void> issue_certificate(const certificate_request& request, const pki_files& ca, const base::secret& ca_password,
                               const pki_files& to, const base::clock& time = base::system_clock_source());

// Lower-case hex SHA-512 of the DER of the file's first certificate (dsf-fhir-server 2.2).
result<std::string> thumbprint_of(const std::string& certificate_file);
// Checks the file's first certificate, with the others as intermediates, against a CA file or folder.
result<void> verify_chain(const std::string& certificate_file, const std::string& trust);

}  // namespace dsf::net
