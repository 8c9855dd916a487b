// OpenSSL's objects with owners, and the few readings of them that several files here need.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/error.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"

namespace dsf::net {

template <auto Free>
struct openssl_deleter {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using bio_ptr = std::unique_ptr<BIO, openssl_deleter<BIO_free_all>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_deleter<X509_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, openssl_deleter<SSL_CTX_free>>;
using x509_store_ptr = std::unique_ptr<X509_STORE, openssl_deleter<X509_STORE_free>>;

struct tls_identity::impl {
  ssl_ctx_ptr context;
  peer self;
  std::size_t trusted = 0;
};

// The oldest entry of OpenSSL's error queue as words; empties the queue.
std::string openssl_reason();

result<std::string> read_file(const std::string& path, std::string_view what);
// All certificates of a PEM text; an error if there is none or one is damaged.
result<std::vector<x509_ptr>> certificates_of(std::string_view pem, const std::string& file);
struct key_material {
  std::vector<x509_ptr> chain;  // ours first, then each one's issuer
  key_ptr key;
};
// Of PEM files or PKCS#12, with the key's password; the key belongs to the certificate.
result<key_material> material_of(const tls_files& files);
result<key_material> pkcs12_of(std::string_view bytes, const base::secret& password, const std::string& file);
// From here on peers are judged by these lists, too.
result<void> use_revocation(X509_STORE* store, revocation policy, const std::string& path, base::timestamp now);
result<key_ptr> private_key_of(std::string_view pem, const base::secret& password, const std::string& file);
// File, or folder of *.crt and *.pem.
result<std::vector<x509_ptr>> trust_of(const std::string& path);

// Everything but the address.
peer peer_of(X509* certificate);
base::timestamp time_of(const ASN1_TIME* t);
std::string subject_of(X509* certificate);

}  // namespace dsf::net
