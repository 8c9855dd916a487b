// What a reverse proxy sends, in both of its forms, and what must not be taken for a certificate.
#include "net/certificate_header.hpp"

#include "net/networks.hpp"
#include "net/query.hpp"
#include "net/testing_impl.hpp"
#include "net/tls.hpp"

using namespace dsf::net;
using namespace dsf::net::testing;

namespace {
std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
// The blanks inside the marks stay; all newlines become blanks, but for the last one, which goes.
std::string with_blanks(std::string pem) {
  pem.pop_back();
  for (auto& c : pem)
    if (c == '\n') c = ' ';
  return pem;
}
}  // namespace

TEST_CASE("certificate header: PEM with blanks and URL-encoded PEM are the certificate") {
  const auto& pki = shared_pki();
  const auto pem = read(pki.files("client").certificate);
  const auto thumbprint = must(thumbprint_of(pki.files("client").certificate));
  for (const auto& value : {with_blanks(pem), percent_encode(pem), percent_encode(pem.substr(0, pem.size() - 1))}) {
    const auto out = pem_of_header(value);
    REQUIRE(out);
    CHECK(must(parse_certificate(*out)).thumbprint == thumbprint);
  }
}

TEST_CASE("certificate header: anything else is no certificate") {
  const auto pem = read(shared_pki().files("client").certificate);
  const auto blanks = with_blanks(pem);
  for (const auto& value : {std::string(), std::string("(null)"), ' ' + blanks, blanks + ' ', blanks + ' ' + blanks, blanks.substr(0, 200),
                            blanks.substr(20), percent_encode(pem + pem), std::string("-----BEGIN CERTIFICATE-----"),
                            std::string("-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----"),
                            std::string("-----BEGIN%20CERTIFICATE-----%0A%zz%0A-----END%20CERTIFICATE-----%0A"), std::string(100'000, 'A')})
    CHECK_FALSE(pem_of_header(value));
}

TEST_CASE("networks: what is inside, in both families, with and without a port") {
  network_list n;
  for (const auto* text : {"127.0.0.1", "10.1.0.0/16", "192.0.2.128/25", "fd00::/8", "::1"}) REQUIRE(n.add(text));
  for (const auto* in : {"127.0.0.1:4711", "127.0.0.1", "10.1.255.255:1", "192.0.2.128:1", "[fd12::7]:443", "[::1]:1", "::ffff:10.1.2.3"})
    CHECK(n.contains(in));
  for (const auto* out : {"127.0.0.2:1", "10.2.0.0:1", "192.0.2.127:1", "[fe80::1]:1", "unknown:0", "", "[", "10.1.0.0/16"})
    CHECK_FALSE(n.contains(out));
  for (const auto* wrong : {"", "10.1", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/", "10.1.0.1/16", "fd00::/129", "proxy.example"})
    CHECK_FALSE(n.add(wrong));
  CHECK(n.add("10.1.0.1/16").error().text() ==
        "'10.1.0.1/16' has bits set behind its network's length; write 192.0.2.7, 10.1.0.0/16 or fd00::/8");
}
