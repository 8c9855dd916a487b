#include "net/pki.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "net/openssl_impl.hpp"

namespace dsf::net {

namespace {

using extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_deleter<X509_EXTENSION_free>>;
using number_ptr = std::unique_ptr<BIGNUM, openssl_deleter<BN_free>>;
using store_context_ptr = std::unique_ptr<X509_STORE_CTX, openssl_deleter<X509_STORE_CTX_free>>;

constexpr std::int64_t day_s = 86'400;
constexpr int serial_bits = 159;  // RFC 5280 4.1.2.2: at most 20 octets, positive

failure openssl_failure(std::string_view what) {
  return fail(errc::tls_setup, "OpenSSL can't " + std::string(what) + ": " + openssl_reason());
}

result<key_ptr> make_key(key_kind kind) {
  key_ptr key(kind == key_kind::ec_p256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(3072));
  if (!key) return openssl_failure("make a key");
  return key;
}

result<void> write_new(const std::string& path, std::string_view bytes, int mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) {
    if (errno == EEXIST)
      return fail(errc::file_exists, "the file exists already and is never overwritten; remove it first, or choose another name", path);
    return fail(errc::file_io, std::string("can't create the file: ") + std::strerror(errno), path);
  }
  int failed = 0;
  while (!bytes.empty() && failed == 0) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) failed = errno;
    if (n > 0) bytes.remove_prefix(std::size_t(n));
  }
  if (failed == 0 && ::fsync(fd) != 0) failed = errno;
  if (::close(fd) != 0 && failed == 0) failed = errno;
  if (failed == 0) return {};
  ::unlink(path.c_str());
  return fail(errc::file_io, std::string("can't write the file: ") + std::strerror(failed), path);
}

result<void> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) return openssl_failure("add the extension " + value);
  return {};
}

result<void> add_name(X509_NAME* name, int nid, const std::string& value) {
  if (value.empty()) return {};
  if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()), int(value.size()), -1,
                                 0) != 1)
    return openssl_failure("put '" + value + "' into the subject");
  return {};
}

// The value goes into OpenSSL's configuration syntax, where these characters mean something.
result<void> add_alternative(std::string& list, std::string_view kind, const std::string& value) {
  if (value.find_first_of(",;\\\"'#$\n\r") != std::string::npos)
    return fail(errc::invalid_argument, "'" + value + "' can't be a subject alternative name");
  if (!list.empty()) list += ',';
  list += std::string(kind) + ':' + value;
  return {};
}

result<void> fill_in(X509* c, EVP_PKEY* key, base::timestamp now, std::int64_t from_s, std::int64_t to_s) {
  number_ptr serial(BN_new());
  if (BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      !BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(c)))
    return openssl_failure("make a serial number");
  const auto now_s = now.us / base::us_per_s;
  if (X509_set_version(c, X509_VERSION_3) != 1 || !ASN1_TIME_set(X509_getm_notBefore(c), now_s + from_s) ||
      !ASN1_TIME_set(X509_getm_notAfter(c), now_s + to_s) || X509_set_pubkey(c, key) != 1)
    return openssl_failure("fill in the certificate");
  return {};
}

result<std::string> pem_of(X509* c) {
  bio_ptr out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(out.get(), c) != 1) return openssl_failure("write the certificate");
  char* text = nullptr;
  const auto n = BIO_get_mem_data(out.get(), &text);
  return std::string(text, std::size_t(n));
}

result<std::string> pem_of(EVP_PKEY* key, const base::secret& password) {
  bio_ptr out(BIO_new(BIO_s_mem()));
  const auto& p = password.reveal();
  const int ok = PEM_write_bio_PKCS8PrivateKey(out.get(), key, p.empty() ? nullptr : EVP_aes_256_cbc(), p.empty() ? nullptr : p.data(),
                                               int(p.size()), nullptr, nullptr);
  if (ok != 1) return openssl_failure("write the private key");
  char* text = nullptr;
  const auto n = BIO_get_mem_data(out.get(), &text);
  return std::string(text, std::size_t(n));
}

result<void> write_both(X509* c, EVP_PKEY* key, const base::secret& password, const pki_files& to) {
  const auto certificate = TRY(pem_of(c));
  auto secret = TRY(pem_of(key, password));
  const auto wrote_key = write_new(to.key, secret, 0600);
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!wrote_key) return wrote_key;
  auto wrote = write_new(to.certificate, certificate, 0644);
  // A key without its certificate would only be in the way of the next try.
  if (!wrote) ::unlink(to.key.c_str());
  return wrote;
}

result<void> none_exists(const pki_files& files) {
  for (const auto& path : {files.certificate, files.key}) {
    std::error_code ec;
    if (std::filesystem::exists(path, ec))
      return fail(errc::file_exists, "the file exists already and is never overwritten; remove it first, or choose another name", path);
  }
  return {};
}

}  // namespace

result<void> create_ca(const ca_request& request, const pki_files& to, const base::clock& time) {
  ERR_clear_error();
  TRY(none_exists(to));
  if (request.common_name.empty()) return fail(errc::invalid_argument, "a CA needs a common name", to.certificate);
  const auto key = TRY(make_key(request.key));
  x509_ptr c(X509_new());
  TRY(fill_in(c.get(), key.get(), time.now(), -3600, request.valid_days * day_s));
  TRY(add_name(X509_get_subject_name(c.get()), NID_commonName, request.common_name));
  X509_set_issuer_name(c.get(), X509_get_subject_name(c.get()));
  TRY(add_extension(c.get(), c.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRY(add_extension(c.get(), c.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRY(add_extension(c.get(), c.get(), NID_subject_key_identifier, "hash"));
  if (X509_sign(c.get(), key.get(), EVP_sha256()) == 0) return openssl_failure("sign the certificate");
  return write_both(c.get(), key.get(), request.key_password, to);
}

result<void> issue_certificate(const certificate_request& request, const pki_files& ca, const base::secret& ca_password,
                               const pki_files& to, const base::clock& time) {
  ERR_clear_error();
  TRY(none_exists(to));
  if (request.common_name.empty()) return fail(errc::invalid_argument, "a certificate needs a common name", to.certificate);
  const auto issuers = TRY(certificates_of(TRY(read_file(ca.certificate, "CA certificate")), ca.certificate));
  X509* issuer = issuers.front().get();
  const auto issuer_key = TRY(private_key_of(TRY(read_file(ca.key, "CA private key")), ca_password, ca.key));
  if (X509_check_private_key(issuer, issuer_key.get()) != 1) {
    ERR_clear_error();
    return fail(errc::key_mismatch, "the private key does not belong to the CA certificate in " + ca.certificate, ca.key);
  }
  const auto key = TRY(make_key(request.key));
  x509_ptr c(X509_new());
  const auto to_s = request.valid_days * day_s;
  // A certificate that is to be expired must still have begun before it ended.
  const auto from_s = request.starts_in_days > 0 ? request.starts_in_days * day_s : std::min<std::int64_t>(0, to_s - day_s) - 3600;
  TRY(fill_in(c.get(), key.get(), time.now(), from_s, to_s + std::max(0, request.starts_in_days) * day_s));
  auto* subject = X509_get_subject_name(c.get());
  TRY(add_name(subject, NID_organizationName, request.organization));
  TRY(add_name(subject, NID_commonName, request.common_name));
  TRY(add_name(subject, NID_pkcs9_emailAddress, request.email));
  X509_set_issuer_name(c.get(), X509_get_subject_name(issuer));
  std::string alternatives;
  const bool server = request.use == certificate_use::server;
  const bool local = server && request.names.empty() && request.addresses.empty();
  for (const auto& n : local ? std::vector<std::string>{"localhost"} : request.names) TRY(add_alternative(alternatives, "DNS", n));
  for (const auto& a : local ? std::vector<std::string>{"127.0.0.1", "::1"} : request.addresses)
    TRY(add_alternative(alternatives, "IP", a));
  if (!request.email.empty()) TRY(add_alternative(alternatives, "email", request.email));
  TRY(add_extension(c.get(), issuer, NID_basic_constraints, "critical,CA:FALSE"));
  TRY(add_extension(c.get(), issuer, NID_key_usage,
                    request.key == key_kind::rsa_3072 ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature"));
  TRY(add_extension(c.get(), issuer, NID_ext_key_usage, server ? "serverAuth" : "clientAuth"));
  TRY(add_extension(c.get(), issuer, NID_subject_key_identifier, "hash"));
  TRY(add_extension(c.get(), issuer, NID_authority_key_identifier, "keyid"));
  if (!alternatives.empty()) TRY(add_extension(c.get(), issuer, NID_subject_alt_name, alternatives));
  if (X509_sign(c.get(), issuer_key.get(), EVP_sha256()) == 0) return openssl_failure("sign the certificate");
  return write_both(c.get(), key.get(), request.key_password, to);
}

result<std::string> thumbprint_of(const std::string& certificate_file) { return TRY(read_certificate(certificate_file)).thumbprint; }

result<void> verify_chain(const std::string& certificate_file, const std::string& trust) {
  ERR_clear_error();
  const auto chain = TRY(certificates_of(TRY(read_file(certificate_file, "certificate")), certificate_file));
  x509_store_ptr store(X509_STORE_new());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);  // as tls_identity trusts
  for (const auto& ca : TRY(trust_of(trust)))
    if (X509_STORE_add_cert(store.get(), ca.get()) != 1) return openssl_failure("use the CA " + subject_of(ca.get()));
  STACK_OF(X509)* others = sk_X509_new_null();
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others, chain[i].get());
  store_context_ptr context(X509_STORE_CTX_new());
  const bool ok = X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), others) == 1 && X509_verify_cert(context.get()) == 1;
  const int why = X509_STORE_CTX_get_error(context.get());
  sk_X509_free(others);
  if (ok) return {};
  return fail(errc::chain_invalid,
              "the certificate of " + subject_of(chain.front().get()) + " is not valid against " + trust + ": " +
                  X509_verify_cert_error_string(why),
              certificate_file);
}

}  // namespace dsf::net
