#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mutant.hpp"
#include "net/openssl_impl.hpp"

namespace dsf::net {

namespace {

result<void> check_dates(X509* certificate, const std::string& file, const base::clock& time) {
  const auto now = time.now();
  const auto from = time_of(X509_get0_notBefore(certificate));
  const auto to = time_of(X509_get0_notAfter(certificate));
  const auto who = "the certificate of " + subject_of(certificate);
  if (to <= now && !DSF_MUTANT("net.expired_certificate_accepted"))
    return fail(errc::certificate_expired, who + " expired on " + base::to_iso(to, 0) + "; renew it", file);
  if (from > now)
    return fail(errc::certificate_not_yet_valid, who + " is not valid before " + base::to_iso(from, 0) + "; check the clock", file);
  return {};
}

// RFC 5280 4.2.1.12
result<void> check_use(X509* certificate, identity_use use, const std::string& file) {
  const bool server = use == identity_use::server;
  if (use == identity_use::any || X509_check_purpose(certificate, server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT, 0) == 1)
    return {};
  return fail(errc::wrong_use,
              "the certificate of " + subject_of(certificate) + " is not one for a " + (server ? "server" : "client") +
                  ": its extended key usage lacks " + (server ? "serverAuth" : "clientAuth") + "; ask its authority for one with it",
              file);
}

result<void> use_certificate(SSL_CTX* context, const tls_files& files, const base::clock& time, peer& self) {
  const auto material = TRY(material_of(files));
  X509* leaf = material.chain.front().get();
  for (std::size_t i = 0; i < material.chain.size(); ++i)
    TRY(check_dates(material.chain[i].get(), i == 0 || files.chain.empty() ? files.certificate : files.chain, time));
  TRY(check_use(leaf, files.use, files.certificate));
  if (SSL_CTX_use_certificate(context, leaf) != 1 || SSL_CTX_use_PrivateKey(context, material.key.get()) != 1)
    return fail(errc::tls_setup, "OpenSSL does not take the certificate: " + openssl_reason(), files.certificate);
  for (std::size_t i = 1; i < material.chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, material.chain[i].get()) != 1)
      return fail(errc::tls_setup, "OpenSSL does not take certificate " + std::to_string(i + 1) + " of the chain: " + openssl_reason(),
                  files.certificate);
  self = peer_of(leaf);
  return {};
}

result<std::size_t> use_trust(SSL_CTX* context, const std::string& path) {
  if (path.empty()) return fail(errc::no_ca, "no trusted CA is set; name a PEM file, or a folder with *.crt or *.pem files");
  const auto cas = TRY(trust_of(path));
  auto* store = SSL_CTX_get_cert_store(context);
  // As in the reference, each certificate here is an anchor of its own, not only self-signed roots.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | (DSF_MUTANT("net.expired_peer_accepted") ? X509_V_FLAG_NO_CHECK_TIME : 0));
  std::size_t usable = 0;
  for (const auto& ca : cas) {
    // Clients are not told these names: one with a certificate of another CA would then show none, and the server's log could
    // not say which of the two faults it was.
    if (X509_STORE_add_cert(store, ca.get()) != 1)
      return fail(errc::tls_setup, "OpenSSL does not take the CA " + subject_of(ca.get()) + ": " + openssl_reason(), path);
    if (X509_check_ca(ca.get()) > 0) ++usable;
  }
  if (usable == 0) return fail(errc::no_ca, "no certificate found here is one of a CA", path);
  return usable;
}

}  // namespace

result<tls_identity> tls_identity::load(const tls_files& files, const base::clock& time) {
  auto out = std::make_shared<impl>();
  out->context.reset(SSL_CTX_new(TLS_method()));
  auto* context = out->context.get();
  if (!context) return fail(errc::tls_setup, "OpenSSL can't make a TLS context: " + openssl_reason());
  static constexpr unsigned char session_id[] = "dsfd";
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Forward secrecy with authenticated encryption only.
  if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1)
    return fail(errc::tls_setup, "OpenSSL does not take the cipher list: " + openssl_reason());
  // A resumed session must come from a program with the same trust; tickets are made with a key of this context.
  SSL_CTX_set_session_id_context(context, session_id, sizeof session_id - 1);
  if (!files.certificate.empty()) {
    TRY(use_certificate(context, files, time, out->self));
  } else if (!files.key.empty()) {
    return fail(errc::file_missing, "a private key is set, but no certificate file", files.key);
  }
  out->trusted = TRY(use_trust(context, files.trust));
  TRY(use_revocation(SSL_CTX_get_cert_store(context), files.revoked, files.revocation_lists, time.now()));
  return tls_identity(std::move(out));
}

const peer& tls_identity::self() const noexcept { return impl_->self; }
std::size_t tls_identity::trusted_count() const noexcept { return impl_->trusted; }

}  // namespace dsf::net
