// What a site brings with it: PKCS#12 and PEM, RSA and elliptic curves, chains in any order, keys with passwords, lists of revoked certificates.
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "net/openssl_impl.hpp"
#include "net/testing_impl.hpp"
#include "net/tls.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;
using dsf::base::secret;

namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string complaint(const tls_files& f) {
  const auto r = tls_identity::load(f);
  REQUIRE_FALSE(r);
  const auto text = r.error().to_string();
  CHECK(text.find('\n') == std::string::npos);
  return text;
}

// `others` behind the certificate, in the order given.
void write_p12(const std::string& to, const pki_files& from, const std::string& password, const std::vector<std::string>& others = {}) {
  const auto leaf = must(certificates_of(read(from.certificate), from.certificate));
  const auto key = must(private_key_of(read(from.key), {}, from.key));
  STACK_OF(X509)* more = sk_X509_new_null();
  std::vector<x509_ptr> keep;
  for (const auto& o : others)
    for (auto& c : must(certificates_of(read(o), o))) {
      sk_X509_push(more, c.get());
      keep.push_back(std::move(c));
    }
  PKCS12* box = PKCS12_create(password.c_str(), "site", key.get(), leaf.front().get(), more, 0, 0, 0, 0, 0);
  REQUIRE(box != nullptr);
  bio_ptr out(BIO_new_file(to.c_str(), "wb"));
  REQUIRE(i2d_PKCS12_bio(out.get(), box) == 1);
  PKCS12_free(box);
  sk_X509_free(more);
}

// Issued by `ca`, with the serial numbers of `revoked`; `until_s` seconds from now it is outdated.
void write_crl(const std::string& to, const pki_files& ca, const std::vector<std::string>& revoked, long until_s) {
  const auto issuer = must(certificates_of(read(ca.certificate), ca.certificate));
  const auto key = must(private_key_of(read(ca.key), {}, ca.key));
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer.front().get()));
  const auto now_s = dsf::base::system_clock_source().now().us / dsf::base::us_per_s;
  ASN1_TIME* t = ASN1_TIME_set(nullptr, now_s - 7'200);
  X509_CRL_set1_lastUpdate(list, t);
  ASN1_TIME_set(t, now_s + until_s);
  X509_CRL_set1_nextUpdate(list, t);
  for (const auto& file : revoked) {
    const auto c = must(certificates_of(read(file), file));
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(c.front().get()));
    ASN1_TIME_set(t, now_s - 3'600);
    X509_REVOKED_set_revocationDate(entry, t);
    X509_CRL_add0_revoked(list, entry);
  }
  ASN1_TIME_free(t);
  X509_CRL_sort(list);
  REQUIRE(X509_CRL_sign(list, key.get(), EVP_sha256()) > 0);
  bio_ptr out(BIO_new_file(to.c_str(), "ab"));
  REQUIRE(PEM_write_bio_X509_CRL(out.get(), list) == 1);
  X509_CRL_free(list);
}

// 0: the handshake failed.
int status_of(const tls_files& server, const tls_files& client) {
  server_options o;
  o.identity = must(tls_identity::load(server));
  o.threads = 1;
  auto s = must(https_server::start(std::move(o), [](request&& r, responder a) { a(text_response(200, r.peer->common_name)); }));
  client_options c;
  c.identity = must(tls_identity::load(client));
  https_client from(std::move(c));
  const auto answer = from.send_and_wait({.url = "https://localhost:" + std::to_string(s.port()) + "/", .headers = {}, .body = {}}, 5'000);
  return answer ? answer->status : 0;
}

}  // namespace

TEST_CASE("PKCS#12 with a password serves and calls; what is wrong with it is one line with its cure") {
  const auto& pki = shared_pki();
  const folder at;
  const auto trust = pki.files("ca").certificate;
  write_p12(at / "server.p12", pki.files("server"), "s3cret", {trust});
  write_p12(at / "client.pfx", pki.files("client"), "other", {});
  const tls_files server{.certificate = at / "server.p12", .key_password = secret("s3cret"), .trust = trust, .use = identity_use::server};
  const tls_files client{.certificate = at / "client.pfx", .key_password = secret("other"), .trust = trust, .use = identity_use::client};
  CHECK(status_of(server, client) == 200);
  auto f = server;
  f.key_password = secret("no");
  CHECK(complaint(f) == f.certificate + ": the key password is wrong for this PKCS#12 file");
  f.key_password = {};
  CHECK(complaint(f) == f.certificate + ": the PKCS#12 file is encrypted, but no key password is set");
  f = server;
  f.key = pki.files("server").key;
  CHECK(complaint(f) == f.certificate + ": a PKCS#12 file holds its key itself; leave the key file " + f.key + " out");
  f = server;
  f.certificate = at / "pem.p12";
  write(f.certificate, read(pki.files("server").certificate));
  CHECK(complaint(f).starts_with(f.certificate + ": the file is not PKCS#12 ("));
  CHECK(must(identity_ends(server)) == must(read_certificate(pki.files("server").certificate)).not_after);
}

TEST_CASE("RSA and elliptic curve identities, with encrypted keys, speak with each other") {
  const folder at;
  const pki_files ca{at / "ca.pem", at / "ca.key"};
  must(create_ca({.key = key_kind::rsa_3072}, ca));
  const auto make = [&](const char* name, certificate_use use, key_kind kind) {
    const pki_files to{at / (std::string(name) + ".pem"), at / (std::string(name) + ".key")};
    must(issue_certificate({.use = use, .common_name = "localhost", .key = kind, .key_password = secret("locked")}, ca, {}, to));
    return tls_files{.certificate = to.certificate, .key = to.key, .key_password = secret("locked"), .trust = ca.certificate};
  };
  const auto rsa_server = make("rs", certificate_use::server, key_kind::rsa_3072),
             ec_server = make("es", certificate_use::server, key_kind::ec_p256);
  const auto rsa_client = make("rc", certificate_use::client, key_kind::rsa_3072),
             ec_client = make("ec", certificate_use::client, key_kind::ec_p256);
  CHECK(status_of(rsa_server, ec_client) == 200);
  CHECK(status_of(ec_server, rsa_client) == 200);
}

TEST_CASE("a certificate for the other use is refused with what it lacks") {
  const auto& pki = shared_pki();
  auto f = pki.tls("client");
  f.use = identity_use::server;
  CHECK(complaint(f) == f.certificate +
                            ": the certificate of CN=dic-1.example,O=Hospital One is not one for a server: its extended key usage "
                            "lacks serverAuth; ask its authority for one with it");
  f = pki.tls("server");
  f.use = identity_use::client;
  CHECK(complaint(f).find("lacks clientAuth") != std::string::npos);
}

TEST_CASE("a chain is put in order, whatever order its file has") {
  const auto& pki = shared_pki();
  const folder at;
  auto f = pki.tls("client");
  // Certificates that issued nothing here stand between ours and its issuer.
  f.certificate = at / "client.pem";
  write(f.certificate, read(pki.files("client").certificate) + read(pki.files("other-ca").certificate) + read(pki.files("ca").certificate));
  auto material = must(material_of(f));
  REQUIRE(material.chain.size() == 3);
  CHECK(peer_of(material.chain[1].get()).thumbprint == must(read_certificate(pki.files("ca").certificate)).thumbprint);
  f = pki.tls("client");
  f.chain = pki.files("ca").certificate;
  CHECK(must(material_of(f)).chain.size() == 2);
  f.chain = at / "none.pem";
  CHECK(complaint(f) == f.chain + ": certificate chain file does not exist; check the path in the configuration");
}

TEST_CASE("revocation: who is on a list is refused, and required demands a list that is up to date") {
  const auto& pki = shared_pki();
  const folder at;
  auto server = pki.tls("server");
  const auto client = pki.tls("client"), other = pki.tls("practitioner");
  server.revocation_lists = at / "list.pem";
  server.revoked = revocation::if_present;
  write_crl(server.revocation_lists, pki.files("ca"), {client.certificate}, 3'600);
  for (const auto policy : {revocation::if_present, revocation::required}) {
    server.revoked = policy;
    CHECK(status_of(server, client) == 0);
    CHECK(status_of(server, other) == 200);
    const auto identity = must(tls_identity::load(server));
    CHECK(verify_client(identity, read(client.certificate)).error().text().ends_with("is refused: certificate revoked"));
    CHECK(must(verify_client(identity, read(other.certificate))).common_name == "Test User");
  }
  // An outdated list still revokes with if-present, and is an error at start with required.
  std::filesystem::remove(server.revocation_lists);
  write_crl(server.revocation_lists, pki.files("ca"), {client.certificate}, -60);
  CHECK(complaint(server).starts_with(server.revocation_lists + ": the revocation list of CN=dsfd development CA is outdated since "));
  server.revoked = revocation::if_present;
  CHECK(status_of(server, client) == 0);
  CHECK(status_of(server, other) == 200);
  // Without a list of this authority if-present refuses nobody, required everybody.
  std::filesystem::create_directory(at / "lists");
  server.revocation_lists = at / "lists";
  CHECK(status_of(server, client) == 200);
  write_crl(at / "lists/other.crl", pki.files("other-ca"), {}, 3'600);
  CHECK(status_of(server, client) == 200);
  server.revoked = revocation::required;
  CHECK(status_of(server, client) == 0);
}

TEST_CASE("revocation: settings that decide nothing and files that are no lists are refused") {
  const auto& pki = shared_pki();
  const folder at;
  auto f = pki.tls("server");
  f.revocation_lists = pki.files("ca").certificate;
  CHECK(complaint(f) == f.revocation_lists + ": revocation lists are set, but the policy is off; set it to if-present or required");
  f.revoked = revocation::required;
  CHECK(complaint(f).starts_with(f.revocation_lists + ": the file holds no revocation list"));
  f.revocation_lists = {};
  CHECK(complaint(f) == "a revocation policy is set, but no lists; name a file or a folder with *.crl or *.pem, or set off");
  f.revocation_lists = at.path;
  CHECK(complaint(f).starts_with(at.path + ": the folder holds no *.crl or *.pem file"));
}

TEST_CASE("a certificate that came without TLS is judged as TLS would") {
  const auto& pki = shared_pki();
  const auto by = must(tls_identity::load(pki.tls("server")));
  CHECK(must(verify_client(by, read(pki.files("client").certificate))).thumbprint == must(thumbprint_of(pki.files("client").certificate)));
  CHECK(verify_client(by, read(pki.files("expired").certificate)).error().text().ends_with("certificate has expired"));
  CHECK(verify_client(by, read(pki.files("stranger").certificate)).error().is(errc::chain_invalid));
  CHECK(verify_client(by, read(pki.files("server").certificate)).error().text().find("purpose") != std::string::npos);
  CHECK_FALSE(verify_client(by, read(pki.files("client").certificate) + read(pki.files("ca").certificate)));
  CHECK_FALSE(verify_client(by, "nonsense"));
}
