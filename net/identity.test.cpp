// TLS identities and the development PKI: what is wrong with a file is said in one line.
#include <sys/stat.h>

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

std::string complaint(const tls_files& f, const dsf::base::clock& time = dsf::base::system_clock_source()) {
  const auto r = tls_identity::load(f, time);
  REQUIRE_FALSE(r);
  const auto text = r.error().to_string();
  CHECK(text.find('\n') == std::string::npos);
  return text;
}

}  // namespace

TEST_CASE("a wrong or missing key password is one line") {
  const auto& pki = shared_pki();
  const folder at;
  const pki_files to{at / "c.pem", at / "c.key"};
  must(issue_certificate({.common_name = "locked.example", .key_password = secret("right")}, pki.files("ca"), {}, to));
  CHECK(read(to.key).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
  tls_files f{.certificate = to.certificate, .key = to.key, .trust = pki.files("ca").certificate};
  CHECK(complaint(f) == to.key + ": the private key is encrypted, but no key password is set");
  f.key_password = secret("wrong");
  CHECK(complaint(f) == to.key + ": the key password is wrong for this private key");
  f.key_password = secret("right");
  CHECK(tls_identity::load(f));
  f.key_password_file = at / "password";
  write(f.key_password_file, "right\n");
  CHECK(complaint(f) == f.key_password_file + ": both a key password and a key password file are set; set one of them");
  f.key_password = {};
  CHECK(tls_identity::load(f));
}

TEST_CASE("missing, damaged and mismatching files are named") {
  const auto& pki = shared_pki();
  const folder at;
  const auto good = pki.tls("client");
  auto f = good;
  f.certificate = at / "none.pem";
  CHECK(complaint(f) == f.certificate + ": certificate file does not exist; check the path in the configuration");
  f = good;
  f.key = at / "none.key";
  CHECK(complaint(f) == f.key + ": private key file does not exist; check the path in the configuration");
  f = good;
  f.trust = at / "none";
  CHECK(complaint(f) == f.trust + ": trusted CA file does not exist; check the path in the configuration");
  f = good;
  f.certificate = f.key;
  CHECK(complaint(f) == f.key + ": the file holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")");
  f = good;
  f.key = f.certificate;
  CHECK(complaint(f) == f.key + ": the file holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
  f = good;
  f.certificate = at / "damaged.pem";
  auto text = read(good.certificate);
  text.replace(text.size() / 2, 4, "!!!!");
  write(f.certificate, text);
  CHECK(complaint(f).starts_with(f.certificate + ": a certificate in the file is damaged ("));
  f = good;
  f.key = pki.files("server").key;
  CHECK(complaint(f) ==
        f.key + ": the private key does not belong to the certificate of CN=dic-1.example,O=Hospital One in " + f.certificate);
  f = good;
  f.trust = {};
  CHECK(complaint(f) == "no trusted CA is set; name a PEM file, or a folder with *.crt or *.pem files");
  f.trust = pki.files("server").certificate;
  CHECK(complaint(f) == f.trust + ": no certificate found here is one of a CA");
  f.trust = at.path + "/empty";
  std::filesystem::create_directory(f.trust);
  CHECK(complaint(f) == f.trust + ": the folder holds no *.crt or *.pem file with a trusted CA");
  std::filesystem::copy(pki.files("ca").certificate, f.trust + "/one.crt");
  std::filesystem::copy(pki.files("other-ca").certificate, f.trust + "/two.pem");
  write(f.trust + "/README", "not a certificate");
  const auto loaded = tls_identity::load(f);
  REQUIRE(loaded);
  CHECK(loaded->trusted_count() == 2);
  CHECK(loaded->self().common_name == "dic-1.example");
}

TEST_CASE("certificates out of date are refused with their date") {
  const auto& pki = shared_pki();
  const dsf::base::manual_clock then({1'900'000'000LL * dsf::base::us_per_s});  // 2030-03-17T17:46:40Z
  const folder at;
  const pki_files old_files{at / "old.pem", at / "old.key"}, new_files{at / "new.pem", at / "new.key"};
  must(issue_certificate({.common_name = "old.example", .valid_days = -1}, pki.files("ca"), {}, old_files, then));
  must(issue_certificate({.common_name = "new.example", .starts_in_days = 2}, pki.files("ca"), {}, new_files, then));
  const auto trust = pki.files("ca").certificate;
  CHECK(complaint({.certificate = old_files.certificate, .key = old_files.key, .trust = trust}, then) ==
        old_files.certificate + ": the certificate of CN=old.example expired on 2030-03-16T17:46:40Z; renew it");
  CHECK(complaint({.certificate = new_files.certificate, .key = new_files.key, .trust = trust}, then) ==
        new_files.certificate + ": the certificate of CN=new.example is not valid before 2030-03-19T17:46:40Z; check the clock");
}

TEST_CASE("the PKI's files are private, verify, and are never overwritten") {
  const folder at;
  const pki_files ca{at / "ca.pem", at / "ca.key"}, leaf{at / "leaf.pem", at / "leaf.key"};
  must(create_ca({.key = key_kind::rsa_3072, .key_password = secret("ca password")}, ca));
  const certificate_request wanted{.use = certificate_use::server, .common_name = "localhost"};
  CHECK(issue_certificate(wanted, ca, secret("no"), leaf).error().to_string() ==
        ca.key + ": the key password is wrong for this private key");
  CHECK_FALSE(std::filesystem::exists(leaf.key));
  must(issue_certificate(wanted, ca, secret("ca password"), leaf));
  for (const auto& key : {ca.key, leaf.key}) {
    struct stat s{};
    REQUIRE(::stat(key.c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0600);
  }
  CHECK(verify_chain(leaf.certificate, ca.certificate));
  CHECK(verify_chain(leaf.certificate, shared_pki().files("ca").certificate).error().code() == "net.chain_invalid");
  CHECK(verify_chain(shared_pki().files("expired").certificate, shared_pki().files("ca").certificate)
            .error()
            .text()
            .ends_with(": certificate has expired"));
  const auto before = read(leaf.certificate) + read(leaf.key) + read(ca.key);
  const std::string never = ": the file exists already and is never overwritten; remove it first, or choose another name";
  CHECK(issue_certificate(wanted, ca, secret("ca password"), leaf).error().to_string() == leaf.certificate + never);
  CHECK(issue_certificate(wanted, ca, secret("ca password"), {at / "fresh.pem", leaf.key}).error().to_string() == leaf.key + never);
  CHECK(create_ca({}, ca).error().to_string() == ca.certificate + never);
  CHECK(before == read(leaf.certificate) + read(leaf.key) + read(ca.key));
  CHECK_FALSE(std::filesystem::exists(at / "fresh.pem"));
  CHECK(issue_certificate({.common_name = "x", .names = {"a,DNS:evil"}}, ca, secret("ca password"), {at / "x.pem", at / "x.key"})
            .error()
            .code() == "net.invalid_argument");
}

TEST_CASE("a certificate is read as the allow-list and the role rules need it") {
  const auto& pki = shared_pki();
  const auto user = must(read_certificate(pki.files("practitioner").certificate));
  CHECK(user.common_name == "Test User");
  CHECK(user.email == "user@dic-1.example");
  CHECK(user.thumbprint.size() == 128);
  CHECK(user.thumbprint.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(user.thumbprint == must(parse_certificate(read(pki.files("practitioner").certificate))).thumbprint);
  CHECK(must(read_certificate(pki.files("client").certificate)).subject == "CN=dic-1.example,O=Hospital One");
  CHECK_FALSE(parse_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
}
