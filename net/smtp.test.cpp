// Against an SMTP server of the test's own. Faults these find: credentials or mail in clear where TLS was asked for, a certificate that is not
// checked, a refusal that counts as sent, an error that does not say what the server said.
#include "net/smtp.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

#include "net/pki.hpp"
#include "net/testing/smtp_fake.hpp"

using namespace dsf::net;
using dsf::net::testing::smtp_fake;

namespace {

struct authority {
  authority() {
    std::string name = (std::filesystem::temp_directory_path() / "dsf-smtp-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    folder = name;
    ca = {folder + "/ca.pem", folder + "/ca.key"};
    other = {folder + "/other.pem", folder + "/other.key"};
    own = {folder + "/own.pem", folder + "/own.key"};
    REQUIRE(create_ca({}, ca));
    REQUIRE(create_ca({}, other));
    certificate_request r;
    r.common_name = "localhost";
    r.names = {"localhost"};
    r.use = certificate_use::server;
    REQUIRE(issue_certificate(r, ca, {}, own));
  }
  ~authority() { std::filesystem::remove_all(folder); }
  std::string folder;
  pki_files ca, other, own;
};

smtp_server at(const smtp_fake& fake, const authority& a, smtp_security security) {
  smtp_server s;
  s.host = "localhost";
  s.port = fake.port;
  s.security = security;
  s.trust = a.ca.certificate;
  s.own_name = "site.example";
  s.timeout_ms = 5'000;
  return s;
}

const std::string message = "Subject: s\r\n\r\nline\r\n.dot\r\n";
const std::vector<std::string> two{"a@x.example", "b@x.example"};

}  // namespace

TEST_CASE("smtp: a mail in clear, with its envelope; a line that begins with a dot arrives") {
  authority a;
  smtp_fake fake({}, a.own);
  const auto sent = send_mail(at(fake, a, smtp_security::none), "from@x.example", two, message);
  INFO((sent ? "" : sent.error().to_string()));
  REQUIRE(sent);
  CHECK(fake.said().starts_with("EHLO site.example\r\nMAIL FROM:<from@x.example>"));
  CHECK_THAT(fake.said(), Catch::Contains("RCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nSubject: s\r\n\r\nline\r\n..dot\r\n"));
}

TEST_CASE("smtp: starttls and tls hide everything; the password goes only through TLS") {
  authority a;
  for (const bool at_once : {false, true}) {
    smtp_fake fake({.starttls = !at_once, .tls = at_once, .auth = true}, a.own);
    auto server = at(fake, a, at_once ? smtp_security::tls : smtp_security::starttls);
    server.username = "u";
    server.password = dsf::base::secret("secret");
    const auto sent = send_mail(server, "from@x.example", two, message);
    INFO((sent ? "" : sent.error().to_string()));
    REQUIRE(sent);
    const auto tls = fake.said().find("TLS\n");
    REQUIRE(tls != std::string::npos);
    CHECK(fake.said().substr(0, tls).find("AUTH") == std::string::npos);
    CHECK(fake.said().find("AUTH PLAIN", tls) != std::string::npos);
    CHECK(fake.said().find("DATA", tls) != std::string::npos);
  }
}

TEST_CASE("smtp: nothing is said to a server without STARTTLS, or with a certificate of others") {
  authority a;
  {
    smtp_fake fake({}, a.own);
    const auto sent = send_mail(at(fake, a, smtp_security::starttls), "from@x.example", two, message);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().is(errc::tls_failed));
    CHECK_THAT(sent.error().text(), Catch::Contains("mail.security"));
    CHECK(fake.said().find("MAIL") == std::string::npos);
  }
  smtp_fake fake({.tls = true}, a.own);
  auto server = at(fake, a, smtp_security::tls);
  server.trust = a.other.certificate;
  const auto sent = send_mail(server, "from@x.example", two, message);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().is(errc::server_certificate_invalid));
  CHECK(fake.said().find("MAIL") == std::string::npos);
}

TEST_CASE("smtp: refusals and absence are told") {
  authority a;
  std::uint16_t port = 0;
  {
    smtp_fake fake({.refuse = "RCPT TO:<b@"}, a.own);
    port = fake.port;
    const auto sent = send_mail(at(fake, a, smtp_security::none), "from@x.example", two, message);
    REQUIRE_FALSE(sent);
    CHECK_THAT(sent.error().text(), Catch::Contains("550"));
    CHECK(fake.said().find("DATA") == std::string::npos);
  }
  {
    smtp_fake fake({.tls = true, .auth = true}, a.own);
    auto server = at(fake, a, smtp_security::tls);
    server.username = "u";
    server.password = dsf::base::secret("planted");
    const auto sent = send_mail(server, "from@x.example", two, message);
    REQUIRE_FALSE(sent);
    CHECK_THAT(sent.error().text(), Catch::Contains("mail.password"));
    CHECK(sent.error().to_string().find("planted") == std::string::npos);
  }
  smtp_server nobody;
  nobody.host = "localhost";
  nobody.port = port;
  nobody.security = smtp_security::none;
  const auto sent = send_mail(nobody, "from@x.example", two, message);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().is(errc::connection_refused));
  CHECK_FALSE(may_have_been_processed(sent.error()));
  CHECK_FALSE(send_mail(nobody, "from@x.example", {}, message));
}
