#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/mutant.hpp"
#include "net/client_tls_impl.hpp"

namespace dsf::net {

namespace {

errc errc_of_verification(long verified) noexcept {
  switch (verified) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return errc::server_expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return errc::server_host_mismatch;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return errc::server_unknown_ca;
    default: return errc::server_certificate_invalid;
  }
}

}  // namespace

bool expect_host(SSL* ssl, const std::string& host) {
  io_error not_an_address;
  (void)asio::ip::make_address(host, not_an_address);
  if (DSF_MUTANT("net.server_name_not_checked")) return true;
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::pair<errc, std::string> handshake_failure(SSL* ssl, const io_error& ec) {
  const auto verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
  if (verified != X509_V_OK)
    return {errc_of_verification(verified), std::string("the server's certificate is refused: ") + X509_verify_cert_error_string(verified)};
  if (classify(ec) == io_failure::certificate_alert)
    return {errc::certificate_refused, "the server refuses our certificate, or that we show none: " + describe(ec)};
  return {errc::tls_failed, "the TLS handshake failed: " + describe(ec)};
}

}  // namespace dsf::net
