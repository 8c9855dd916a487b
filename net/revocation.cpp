// Lists of revoked certificates (RFC 5280, 5 and 6.3), and single certificates that did not come by TLS.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>

#include "base/mutant.hpp"
#include "net/openssl_impl.hpp"

namespace dsf::net {

namespace {

using crl_ptr = std::unique_ptr<X509_CRL, openssl_deleter<X509_CRL_free>>;
using store_context_ptr = std::unique_ptr<X509_STORE_CTX, openssl_deleter<X509_STORE_CTX_free>>;

bool is_about_the_list(int why) {
  switch (why) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID: return true;
    default: return false;
  }
}

// Whom we trust by name in a file of our own is not revoked by a list of somebody above.
bool is_the_anchor(X509_STORE_CTX* c) { return X509_STORE_CTX_get_error_depth(c) == sk_X509_num(X509_STORE_CTX_get0_chain(c)) - 1; }

int forgive(X509_STORE_CTX* c) {
  X509_STORE_CTX_set_error(c, X509_V_OK);
  return 1;
}
int check_if_present(int ok, X509_STORE_CTX* c) { return ok == 0 && is_about_the_list(X509_STORE_CTX_get_error(c)) ? forgive(c) : ok; }
int check_required(int ok, X509_STORE_CTX* c) {
  return ok == 0 && is_about_the_list(X509_STORE_CTX_get_error(c)) && is_the_anchor(c) ? forgive(c) : ok;
}

std::string issuer_of(const X509_CRL* list) {
  bio_ptr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_CRL_get_issuer(list), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const auto n = BIO_get_mem_data(out.get(), &text);
  return {text, std::size_t(n)};
}

result<std::vector<crl_ptr>> lists_of(const std::string& file) {
  const auto bytes = TRY(read_file(file, "revocation list"));
  std::vector<crl_ptr> out;
  ERR_clear_error();
  bio_ptr in(BIO_new_mem_buf(bytes.data(), int(bytes.size())));
  if (bytes.find("-----BEGIN") == std::string::npos) {
    if (auto* one = d2i_X509_CRL_bio(in.get(), nullptr)) out.emplace_back(one);
  } else {
    while (crl_ptr c{PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)}) out.push_back(std::move(c));
    const auto last = ERR_peek_last_error();
    if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
      return fail(errc::revocation_list, "a revocation list in the file is damaged (" + openssl_reason() + "); fetch it again", file);
  }
  ERR_clear_error();
  if (out.empty())
    return fail(errc::revocation_list, "the file holds no revocation list, neither PEM (\"-----BEGIN X509 CRL-----\") nor DER", file);
  return out;
}

result<std::vector<std::string>> files_at(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ec;
  if (!fs::is_directory(path, ec)) return std::vector{path};
  std::vector<std::string> out;
  for (auto it = fs::directory_iterator(path, ec); !ec && it != fs::directory_iterator(); it.increment(ec)) {
    const auto ending = it->path().extension();
    if (ending == ".crl" || ending == ".pem") out.push_back(it->path().string());
  }
  if (ec) return fail(errc::file_io, "the folder of revocation lists can't be read: " + ec.message(), path);
  std::ranges::sort(out);
  return out;
}

}  // namespace

result<void> use_revocation(X509_STORE* store, revocation policy, const std::string& path, base::timestamp now) {
  if (policy == revocation::off) {
    if (path.empty()) return {};
    return fail(errc::invalid_argument, "revocation lists are set, but the policy is off; set it to if-present or required", path);
  }
  if (path.empty())
    return fail(errc::invalid_argument,
                "a revocation policy is set, but no lists; name a file or a folder with *.crl or *.pem, or set off");
  const auto files = TRY(files_at(path));
  // A folder may be empty with if-present: an authority's first list comes when it revokes its first certificate.
  if (files.empty() && policy == revocation::required)
    return fail(errc::revocation_list, "the folder holds no *.crl or *.pem file, and the policy is required; fetch the authority's list",
                path);
  for (const auto& file : files) {
    for (const auto& list : TRY(lists_of(file))) {
      const auto* next = X509_CRL_get0_nextUpdate(list.get());
      if (policy == revocation::required && next && time_of(next) <= now)
        return fail(errc::revocation_list,
                    "the revocation list of " + issuer_of(list.get()) + " is outdated since " + base::to_iso(time_of(next), 0) +
                        "; fetch a new one, or set the policy if-present",
                    file);
      if (X509_STORE_add_crl(store, list.get()) != 1)
        return fail(errc::tls_setup, "OpenSSL does not take the revocation list of " + issuer_of(list.get()) + ": " + openssl_reason(),
                    file);
    }
  }
  if (DSF_MUTANT("net.revocation_not_checked")) return {};
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  X509_STORE_set_verify_cb(store, policy == revocation::required ? check_required : check_if_present);
  return {};
}

// dsf-fhir-server 2.2, "Checks"
result<peer> verify_client(const tls_identity& by, std::string_view pem) {
  const auto all = TRY(certificates_of(pem, {}));
  if (all.size() != 1) return fail(errc::invalid_argument, "it must be a single certificate");
  X509* certificate = all.front().get();
  const store_context_ptr context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), SSL_CTX_get_cert_store(by.inside().context.get()), certificate, nullptr) != 1 ||
      X509_STORE_CTX_set_default(context.get(), "ssl_client") != 1)
    return fail(errc::tls_setup, "OpenSSL can't verify a certificate: " + openssl_reason());
  ERR_clear_error();
  if (X509_verify_cert(context.get()) != 1)
    return fail(errc::chain_invalid, "the certificate of " + subject_of(certificate) +
                                         " is refused: " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  return peer_of(certificate);
}

}  // namespace dsf::net
