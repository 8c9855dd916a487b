#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/bytes.hpp"
#include "net/openssl_impl.hpp"
#include "net/trust.hpp"

namespace dsf::net {

namespace {

// A PEM file of a sane site is a few kilobytes; a trust store with all public CAs has 250.
constexpr std::uintmax_t file_bytes_at_most = 4 * 1024 * 1024;

std::string values_of(const X509_NAME* name, int nid) {
  std::string out;
  for (int i = X509_NAME_get_index_by_NID(name, nid, -1); i >= 0; i = X509_NAME_get_index_by_NID(name, nid, i)) {
    unsigned char* text = nullptr;
    const int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
    if (n < 0) continue;
    if (!out.empty()) out += ' ';
    out.append(reinterpret_cast<char*>(text), std::size_t(n));
    OPENSSL_free(text);
  }
  return out;
}

std::string first_value_of(const X509_NAME* name, int nid) {
  const int i = X509_NAME_get_index_by_NID(name, nid, -1);
  if (i < 0) return {};
  unsigned char* text = nullptr;
  const int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
  if (n < 0) return {};
  std::string out(reinterpret_cast<char*>(text), std::size_t(n));
  OPENSSL_free(text);
  return out;
}

std::string san_email_of(X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (!names) return {};
  std::string out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && out.empty(); ++i) {
    const auto* n = sk_GENERAL_NAME_value(names, i);
    if (n->type == GEN_EMAIL)
      out.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(n->d.rfc822Name)), std::size_t(ASN1_STRING_length(n->d.rfc822Name)));
  }
  GENERAL_NAMES_free(names);
  return out;
}

int password_callback(char* buffer, int size, int, void* user) {
  const auto& text = static_cast<const base::secret*>(user)->reveal();
  const auto n = std::min(text.size(), std::size_t(size));
  std::memcpy(buffer, text.data(), n);
  return static_cast<int>(n);
}

}  // namespace

std::string openssl_reason() {
  const auto code = ERR_peek_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown reason";
}

result<std::string> read_file(const std::string& path, std::string_view what) {
  std::error_code ec;
  const auto status = std::filesystem::status(path, ec);
  if (!std::filesystem::exists(status))
    return fail(errc::file_missing, std::string(what) + " file does not exist; check the path in the configuration", path);
  if (std::filesystem::is_directory(status)) return fail(errc::file_io, std::string(what) + " is a folder, a file is needed", path);
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(errc::file_io, std::string(what) + " file can't be read: " + std::strerror(errno), path);
  std::string out(file_bytes_at_most + 1, '\0');
  in.read(out.data(), std::streamsize(out.size()));
  out.resize(std::size_t(in.gcount()));
  if (in.bad()) return fail(errc::file_io, std::string(what) + " file can't be read: " + std::strerror(errno), path);
  if (out.size() > file_bytes_at_most)
    return fail(errc::file_io, std::string(what) + " file is larger than 4 MiB, which no PEM file of a site is", path);
  return out;
}

result<std::vector<x509_ptr>> certificates_of(std::string_view pem, const std::string& file) {
  ERR_clear_error();
  bio_ptr in(BIO_new_mem_buf(pem.data(), int(pem.size())));
  std::vector<x509_ptr> out;
  while (x509_ptr c{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) out.push_back(std::move(c));
  const auto last = ERR_peek_last_error();
  // No more "BEGIN CERTIFICATE" is how the list ends; anything else is damage.
  const bool ended = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (!ended) return fail(errc::not_pem, "a certificate in the file is damaged (" + openssl_reason() + ")", file);
  ERR_clear_error();
  if (out.empty()) return fail(errc::not_pem, "the file holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")", file);
  return out;
}

result<key_ptr> private_key_of(std::string_view pem, const base::secret& password, const std::string& file) {
  ERR_clear_error();
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos)
    return fail(errc::not_pem, "the file holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")", file);
  const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
  if (encrypted && password.empty())
    return fail(errc::wrong_key_password, "the private key is encrypted, but no key password is set", file);
  bio_ptr in(BIO_new_mem_buf(pem.data(), int(pem.size())));
  base::secret copy = password;
  key_ptr key(PEM_read_bio_PrivateKey(in.get(), nullptr, password_callback, &copy));
  if (key) return key;
  const auto why = openssl_reason();
  if (encrypted) return fail(errc::wrong_key_password, "the key password is wrong for this private key", file);
  return fail(errc::not_pem, "the private key is damaged (" + why + ")", file);
}

result<std::vector<x509_ptr>> trust_of(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ec;
  if (!fs::is_directory(path, ec)) return certificates_of(TRY(read_file(path, "trusted CA")), path);
  std::vector<std::string> files;
  for (auto it = fs::directory_iterator(path, ec); !ec && it != fs::directory_iterator(); it.increment(ec)) {
    const auto ending = it->path().extension();
    if (ending == ".crt" || ending == ".pem") files.push_back(it->path().string());
  }
  if (ec) return fail(errc::file_io, "the folder of trusted CAs can't be read: " + ec.message(), path);
  if (files.empty()) return fail(errc::no_ca, "the folder holds no *.crt or *.pem file with a trusted CA", path);
  std::ranges::sort(files);
  std::vector<x509_ptr> out;
  for (const auto& file : files)
    for (auto& c : TRY(certificates_of(TRY(read_file(file, "trusted CA")), file))) out.push_back(std::move(c));
  return out;
}

result<base::timestamp> trust_ends(const std::string& path) {
  const auto cas = TRY(trust_of(path));
  auto first = time_of(X509_get0_notAfter(cas.front().get()));
  for (const auto& ca : cas) first = std::min(first, time_of(X509_get0_notAfter(ca.get())));
  return first;
}

base::timestamp time_of(const ASN1_TIME* t) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(t, &parts) != 1) return {};
  return {std::int64_t(timegm(&parts)) * base::us_per_s};
}

std::string subject_of(X509* certificate) {
  bio_ptr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const auto n = BIO_get_mem_data(out.get(), &text);
  return {text, std::size_t(n)};
}

peer peer_of(X509* certificate) {
  peer out;
  out.has_certificate = true;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  if (X509_digest(certificate, EVP_sha512(), digest, &n) == 1) out.thumbprint = base::to_hex({reinterpret_cast<char*>(digest), n});
  const auto* name = X509_get_subject_name(certificate);
  out.subject = subject_of(certificate);
  out.common_name = first_value_of(name, NID_commonName);
  out.surname = values_of(name, NID_surname);
  out.given_name = values_of(name, NID_givenName);
  // DN "E" and "EmailAddress" are the same OID, 1.2.840.113549.1.9.1.
  out.email = first_value_of(name, NID_pkcs9_emailAddress);
  if (out.email.empty()) out.email = san_email_of(certificate);
  out.not_after = time_of(X509_get0_notAfter(certificate));
  out.country = first_value_of(name, NID_countryName);
  out.issuer = first_value_of(X509_get_issuer_name(certificate), NID_commonName);
  return out;
}

result<peer> parse_certificate(std::string_view pem) {
  const auto all = TRY(certificates_of(pem, {}));
  return peer_of(all.front().get());
}

result<peer> read_certificate(const std::string& file) {
  const auto all = TRY(certificates_of(TRY(read_file(file, "certificate")), file));
  return peer_of(all.front().get());
}

}  // namespace dsf::net
