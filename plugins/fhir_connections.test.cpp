// Faults these find: a key that is read as another one or not at all, credentials in the wrong form or in an error text, a connection that is
// used although its file is wrong.
#include "plugins/fhir_connections.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace dsf::plugins;

namespace {

struct folder {
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dsf-connections-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    path = name;
  }
  ~folder() { std::filesystem::remove_all(path); }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path / name, std::ios::binary) << text; }
  fhir_connections read(const std::string& yaml) const { return read_fhir_connections(yaml, (path / "c.yaml").string()); }
  std::filesystem::path path;
};

bool told(const std::vector<bundle_fault>& faults, int line, const std::string& text) {
  return std::ranges::any_of(
      faults, [&](const auto& f) { return f.place.ends_with("c.yaml:" + std::to_string(line)) && f.text.find(text) != f.text.npos; });
}

}  // namespace

TEST_CASE("fhir connections: all keys") {
  folder f;
  f.put("ca.pem", "x");
  f.put("client.pem", "x");
  f.put("client.key", "x");
  f.put("token", "abc.def\n");
  const auto r = f.read(R"(
his:
  base-url: https://his.example/fhir/
  connect-timeout: PT5S
  read-timeout: PT1M30S
  trusted-root-certificates-file: ca.pem
  test-connection-on-startup: true
  cert-auth:
    private-key-file: client.key
    certificate-file: client.pem
    password: pw
  basic-auth:
    username: ä
    password: geheim
lab:
  base-url: http://127.0.0.1:8080/fhir
  enable-debug-logging: true
  bearer-auth: {token-file: token}
)");
  for (const auto& fault : r.faults) UNSCOPED_INFO(fault.line());
  REQUIRE(r.faults.empty());
  REQUIRE(r.connections.size() == 2);
  const auto& his = r.connections[0];
  CHECK(his.name == "his");
  CHECK(his.base_url == "https://his.example/fhir");
  CHECK(his.connect_timeout_ms == 5'000);
  CHECK(his.read_timeout_ms == 90'000);
  CHECK(his.trust == (f.path / "ca.pem").string());
  CHECK(his.key == (f.path / "client.key").string());
  CHECK(his.certificate == (f.path / "client.pem").string());
  CHECK(his.key_password.reveal() == "pw");
  CHECK(his.authorization.reveal() == "Basic 5DpnZWhlaW0=");  // ISO-8859-1
  CHECK(his.test_on_startup);
  const auto& lab = r.connections[1];
  CHECK(lab.connect_timeout_ms == 2'000);
  CHECK(lab.read_timeout_ms == 600'000);
  CHECK(lab.authorization.reveal() == "Bearer abc.def");
  CHECK(told(r.warnings, 17, "connection lab, enable-debug-logging"));
  CHECK(f.read("").connections.empty());
}

TEST_CASE("fhir connections: PKCS#12, a folder of authorities, and what the site gives for all") {
  folder f;
  f.put("client.p12", "x");
  fhir_connection defaults;
  defaults.connect_timeout_ms = 7'000;
  defaults.trust = "/of/the/site";
  defaults.test_on_startup = true;
  const auto r = read_fhir_connections(R"(
own:
  base-url: https://his.example/fhir
  trusted-root-certificates-file: .
  test-connection-on-startup: false
  read-timeout: PT1S
  cert-auth: {p12-file: client.p12, password: pw}
given: {base-url: 'https://lab.example/fhir'}
)",
                                       (f.path / "c.yaml").string(), defaults);
  for (const auto& fault : r.faults) UNSCOPED_INFO(fault.line());
  REQUIRE(r.faults.empty());
  CHECK(r.connections[0].certificate == (f.path / "client.p12").string());
  CHECK(r.connections[0].key.empty());
  CHECK(r.connections[0].key_password.reveal() == "pw");
  CHECK(r.connections[0].trust == (f.path / ".").string());
  CHECK_FALSE(r.connections[0].test_on_startup);
  CHECK(r.connections[0].read_timeout_ms == 1'000);
  CHECK(r.connections[1].connect_timeout_ms == 7'000);
  CHECK(r.connections[1].trust == "/of/the/site");
  CHECK(r.connections[1].test_on_startup);
}

TEST_CASE("fhir connections: every fault with file, line and key, and no secret in them") {
  folder f;
  f.put("two", "planted\nlines\n");
  const auto r = f.read(R"(a:
  base-url: http://his.example/fhir
  colour: red
  connect-timeout: 5s
  read-timeout: P30D
  trusted-root-certificates-file: none.pem
  cert-auth: {p12-file: two}
b:
  basic-auth: {username: u, password: planted, password-file: two}
  bearer-auth: {token: "planted x"}
c:
  base-url: ftp://x
  bearer-auth: {token-file: two}
  oidc-auth: {base-url: https://idp.example, client-id: i, client-secret: planted}
'#local': {base-url: https://x/fhir}
d: text
e:
  base-url: https://x/fhir
  test-connection-on-startup: yes
  basic-auth: {username: u, password: "\u4e2d"}
  cert-auth: {certificate-file: two}
a: {base-url: https://x/fhir}
)");
  CHECK(told(r.faults, 2, "connection a, base-url: it is not encrypted"));
  CHECK(told(r.faults, 3, "connection a, colour: this key is not known; known are base-url, basic-auth"));
  CHECK(told(r.faults, 4, "connect-timeout: it must be an ISO 8601 duration"));
  CHECK(told(r.faults, 5, "read-timeout: it must be"));
  CHECK(told(r.faults, 6, "trusted-root-certificates-file: the file "));
  CHECK(told(r.faults, 7, "cert-auth.p12-file: its name must end in .p12 or .pfx"));
  CHECK(told(r.faults, 8, "connection b, base-url: it is missing"));
  CHECK(told(r.faults, 9, "basic-auth.password-file: password is there too"));
  CHECK(told(r.faults, 10, "basic-auth is there too"));
  CHECK(told(r.faults, 10, "a token has no blanks"));
  CHECK(told(r.faults, 12, "base-url: it must be an http or https URL"));
  CHECK(told(r.faults, 13, "bearer-auth.token-file: the file must have one line"));
  CHECK(told(r.faults, 14, "oidc-auth: tokens by OpenID Connect are not supported yet"));
  CHECK(told(r.faults, 15, "not begin with #"));
  CHECK(told(r.faults, 16, "connection d: a connection is a map"));
  CHECK(told(r.faults, 19, "test-connection-on-startup: it must be true or false"));
  CHECK(told(r.faults, 20, "must be of ISO-8859-1"));
  CHECK(told(r.faults, 21, "cert-auth.private-key-file: it is missing"));
  CHECK(told(r.faults, 22, "this name stands here twice"));
  for (const auto& fault : r.faults) CHECK(fault.line().find("planted") == std::string::npos);
  CHECK(told(f.read("a: [").faults, 1, "not valid YAML"));
  CHECK(told(f.read("- a").faults, 1, "must be a map"));
}
