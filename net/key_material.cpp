// Our certificate, its chain and its key, from PEM files or PKCS#12.
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "net/openssl_impl.hpp"

namespace dsf::net {

namespace {

using pkcs12_ptr = std::unique_ptr<PKCS12, openssl_deleter<PKCS12_free>>;

result<base::secret> password_of(const tls_files& files) {
  if (files.key_password_file.empty()) return files.key_password;
  if (!files.key_password.empty())
    return fail(errc::invalid_argument, "both a key password and a key password file are set; set one of them", files.key_password_file);
  auto text = TRY(read_file(files.key_password_file, "key password"));
  return base::secret(text.substr(0, text.find_first_of("\r\n")));
}

// Each certificate behind the one it issued; what is no issuer of any stays behind them (RFC 8446 4.4.2).
std::vector<x509_ptr> in_order(std::vector<x509_ptr> all) {
  for (std::size_t at = 0; at + 1 < all.size(); ++at) {
    const auto issuer = std::find_if(all.begin() + std::ptrdiff_t(at) + 1, all.end(),
                                     [&](const x509_ptr& c) { return X509_check_issued(c.get(), all[at].get()) == X509_V_OK; });
    if (issuer == all.end()) break;
    std::rotate(all.begin() + std::ptrdiff_t(at) + 1, issuer, issuer + 1);
  }
  return all;
}

result<void> check_pair(X509* leaf, EVP_PKEY* key, const tls_files& files) {
  if (X509_check_private_key(leaf, key) == 1) return {};
  ERR_clear_error();
  return fail(errc::key_mismatch, "the private key does not belong to the certificate of " + subject_of(leaf) + " in " + files.certificate,
              files.key.empty() ? files.certificate : files.key);
}

}  // namespace

bool is_pkcs12(std::string_view file) noexcept { return file.ends_with(".p12") || file.ends_with(".pfx"); }

// RFC 7292
result<key_material> pkcs12_of(std::string_view bytes, const base::secret& password, const std::string& file) {
  ERR_clear_error();
  bio_ptr in(BIO_new_mem_buf(bytes.data(), int(bytes.size())));
  const pkcs12_ptr box(d2i_PKCS12_bio(in.get(), nullptr));
  if (!box) return fail(errc::not_pem, "the file is not PKCS#12 (" + openssl_reason() + "); PEM files must not end in .p12 or .pfx", file);
  // Without a password there are two encodings of "none", and files with either exist.
  const char* const word = password.empty() && PKCS12_verify_mac(box.get(), nullptr, 0) == 1 ? nullptr : password.reveal().c_str();
  if (PKCS12_mac_present(box.get()) == 1 && PKCS12_verify_mac(box.get(), word, -1) != 1) {
    ERR_clear_error();
    return fail(
        errc::wrong_key_password,
        password.empty() ? "the PKCS#12 file is encrypted, but no key password is set" : "the key password is wrong for this PKCS#12 file",
        file);
  }
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  if (PKCS12_parse(box.get(), word, &key, &leaf, &others) != 1) {
    const auto why = openssl_reason();
    return fail(
        errc::not_pem,
        "the PKCS#12 file can't be opened (" + why +
            "); if it was written by an old program, write it again: openssl pkcs12 -legacy -in OLD -nodes -out x.pem, then openssl "
            "pkcs12 -export -in x.pem -out NEW",
        file);
  }
  key_material out;
  out.key.reset(key);
  if (leaf) out.chain.emplace_back(leaf);
  for (int i = 0; i < sk_X509_num(others); ++i) out.chain.emplace_back(sk_X509_value(others, i));
  sk_X509_free(others);
  ERR_clear_error();
  if (!key || !leaf) return fail(errc::not_pem, "the PKCS#12 file must hold a private key and its certificate; export both", file);
  return out;
}

result<key_material> material_of(const tls_files& files) {
  key_material out;
  auto bytes = TRY(read_file(files.certificate, "certificate"));
  if (is_pkcs12(files.certificate)) {
    if (!files.key.empty() && files.key != files.certificate)
      return fail(errc::invalid_argument, "a PKCS#12 file holds its key itself; leave the key file " + files.key + " out",
                  files.certificate);
    out = TRY(pkcs12_of(bytes, TRY(password_of(files)), files.certificate));
    OPENSSL_cleanse(bytes.data(), bytes.size());
  } else {
    out.chain = TRY(certificates_of(bytes, files.certificate));
    if (files.key.empty()) return fail(errc::file_missing, "a certificate is set, but no private key file", files.certificate);
    auto pem = TRY(read_file(files.key, "private key"));
    auto key = private_key_of(pem, TRY(password_of(files)), files.key);
    OPENSSL_cleanse(pem.data(), pem.size());
    if (!key) return failure(key.error());
    out.key = *std::move(key);
  }
  TRY(check_pair(out.chain.front().get(), out.key.get(), files));
  if (!files.chain.empty())
    for (auto& c : TRY(certificates_of(TRY(read_file(files.chain, "certificate chain")), files.chain))) out.chain.push_back(std::move(c));
  out.chain = in_order(std::move(out.chain));
  return out;
}

result<base::timestamp> identity_ends(const tls_files& files) {
  const auto material = TRY(material_of(files));
  auto first = time_of(X509_get0_notAfter(material.chain.front().get()));
  for (const auto& c : material.chain) first = std::min(first, time_of(X509_get0_notAfter(c.get())));
  return first;
}

}  // namespace dsf::net
