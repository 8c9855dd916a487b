// Whose certificate header is believed: that of listed proxies, and of nobody else.
#include "site/callers/proxied_certificate.hpp"

#include "net/query.hpp"
#include "site/callers/front_door.hpp"
#include "site/callers/testing.test.hpp"

using namespace dsf;
using namespace dsf::site;
using namespace dsf::site::testing;

namespace {

std::string header_of(const std::string& who) { return net::percent_encode(read_file(shared_pki().file(who))); }

struct gate {
  explicit gate(const std::vector<std::string>& listed, certificate_names names = {}) {
    proxy_list proxies;
    for (const auto& p : listed) must(proxies.add(p));
    inside = std::make_unique<certificate_of_request>(
        std::move(proxies), "X-ClientCert", std::move(names),
        must(net::tls_identity::load({shared_pki().file("server"), shared_pki().key("server"), {}, {}, shared_pki().file("ca")})), log);
  }
  // From `address`, with a certificate of its own (or none), and these headers.
  certificate_of_request::found ask(const std::string& address, const std::string& own, const std::vector<std::string>& headers,
                                    bool plain = false) {
    net::peer p;
    if (!own.empty()) p = must(net::read_certificate(shared_pki().file(own)));
    p.address = address;
    net::request r;
    r.peer = std::make_shared<const net::peer>(std::move(p));
    for (const auto& h : headers) r.headers.add("x-clientcert", h);
    auto out = inside->look(r, plain);
    if (out.refused == 0) CHECK_FALSE(r.headers.has("X-ClientCert"));
    return out;
  }
  std::shared_ptr<line_sink> sink = std::make_shared<line_sink>();
  base::logger log{base::system_clock_source(), "test", base::log_level::debug, sink};
  std::unique_ptr<certificate_of_request> inside;
};

}  // namespace

TEST_CASE("callers: the header of somebody who is not listed is ignored and told, the own certificate counts") {
  gate g({});
  const auto found = g.ask("192.0.2.9:1", "client", {header_of("practitioner")});
  CHECK(found.refused == 0);
  REQUIRE(found.peer);
  CHECK(found.peer->common_name == "dic-1.example");
  CHECK(g.sink->has("ignored: a certificate header that does not come from a listed proxy"));
  gate other({"10.0.0.0/8"});
  CHECK_FALSE(other.ask("192.0.2.9:1", "", {header_of("practitioner")}).peer->has_certificate);
}

TEST_CASE("callers: a listed proxy speaks for its callers, by address or by certificate") {
  gate g({"10.0.0.0/8", must(net::thumbprint_of(shared_pki().file("client")))});
  const auto by_address = g.ask("10.1.2.3:55", "", {header_of("practitioner")});
  REQUIRE(by_address.peer);
  CHECK(by_address.peer->common_name == "Test User");
  CHECK(by_address.peer->address == "10.1.2.3:55");
  CHECK(g.ask("192.0.2.9:1", "client", {header_of("practitioner")}).peer->common_name == "Test User");
  // Its own certificate is never its caller's.
  CHECK_FALSE(g.ask("192.0.2.9:1", "client", {}).peer->has_certificate);
  CHECK_FALSE(g.ask("10.1.2.3:55", "", {""}).peer->has_certificate);
  CHECK_FALSE(g.ask("10.1.2.3:55", "practitioner", {"(null)"}).peer->has_certificate);
}

TEST_CASE("callers: a certificate in a header has to be as good as one that comes by TLS") {
  gate g({"10.0.0.0/8"});
  for (const auto* bad : {"expired", "stranger", "server"}) {
    INFO(bad);
    CHECK(g.ask("10.1.2.3:55", "", {header_of(bad)}).refused == 403);
  }
  CHECK(g.ask("10.1.2.3:55", "", {header_of("practitioner"), header_of("client")}).refused == 400);
  CHECK(g.sink->has("more than one certificate header"));
}

TEST_CASE("callers: the port without TLS is for listed proxies only") {
  gate g({"10.0.0.0/8"});
  CHECK(g.ask("192.0.2.9:1", "", {header_of("practitioner")}, true).refused == 403);
  CHECK(g.ask("10.1.2.3:55", "", {header_of("practitioner")}, true).peer->common_name == "Test User");
  CHECK_FALSE(g.ask("10.1.2.3:55", "", {}, true).peer->has_certificate);
}

TEST_CASE("callers: subject country and issuer are judged when the settings name some") {
  gate g({"10.0.0.0/8"}, {{"DE"}, {}});
  CHECK(g.ask("192.0.2.9:1", "client", {}).refused == 403);
  CHECK(g.ask("10.1.2.3:55", "", {header_of("practitioner")}).refused == 403);
  gate h({}, {{}, {"dsfd development CA"}});
  CHECK(h.ask("192.0.2.9:1", "client", {}).refused == 0);
  gate i({}, {{}, {"Another CA"}});
  CHECK(i.ask("192.0.2.9:1", "client", {}).refused == 403);
}

TEST_CASE("callers: who shows nothing gets 403 without a body") {
  gate g({"10.0.0.0/8"});
  front_door door(std::move(g.inside));
  net::request r;
  r.peer = std::make_shared<const net::peer>();
  int status = 0;
  bool passed = false;
  bool empty = false;
  auto answer = net::responder::to([&](net::response&& a) {
    status = a.status;
    empty = a.body.empty();
  });
  door.enter(std::move(r), std::move(answer), false, [&](net::request&&, net::responder) { passed = true; });
  CHECK(empty);
  CHECK(status == 403);
  CHECK_FALSE(passed);
}
