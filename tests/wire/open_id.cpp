// People with tokens of an OpenID provider: bearer tokens, browsers' sessions, and how both end.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "base/clock.hpp"
#include "net/query.hpp"
#include "tests/support/open_id_provider.hpp"
#include "tests/wire/lone_site.hpp"

using namespace dsf;
using namespace dsf::tests;
using base::json;

namespace {

std::int64_t now_s() { return base::system_clock_source().now().us / base::us_per_s; }

json person(const std::string& role = "dsf-user") {
  json roles{json::array{}}, access, c;
  roles.push_back(role);
  access.set("roles", std::move(roles));
  c.set("sub", "4711");
  c.set("sid", "session-1");
  c.set("email", "person@site-a.example");
  c.set("given_name", "A");
  c.set("family_name", "Person");
  c.set("realm_access", std::move(access));
  return c;
}

json bearer_of(const std::string& role = "dsf-user") {
  auto c = person(role);
  c.set("aud", "dsf-site-a");
  return c;
}

class site_with_people : public lone_site {
public:
  site_with_people(std::uint16_t port, const std::string& flags)
      : lone_site(port), origin(fmt::format("https://localhost:{}", port)), provider(server_identity(), "s3cret") {
    replace("allow_list: allow-list.json",
            "allow_list: allow-list.json, role_config: [{people: {token-role: dsf-user, dsf-role: [READ, SEARCH]}}]");
    settings +=
        fmt::format("oidc: {{issuer: '{}', client_id: dsf-site-a, client_secret: s3cret, trust: ca.pem, {}}}\n", provider.issuer(), flags);
  }
  net::client_response get(const std::string& url, net::header_list headers = {{"Accept", "application/fhir+json"}},
                           const std::string& who = {}, const std::string& form = {}) {
    net::client_options o;
    o.identity = must(net::tls_identity::load({who.empty() ? std::string() : (folder / (who + ".pem")).string(),
                                               who.empty() ? std::string() : (folder / (who + ".key")).string(),
                                               {},
                                               {},
                                               folder / "ca.pem"}));
    net::https_client client(std::move(o));
    net::client_request r{.url = url.starts_with("https://") ? url : origin + url, .headers = std::move(headers), .body = {}};
    if (!form.empty()) {
      r.method = "POST";
      r.headers.add("Content-Type", "application/x-www-form-urlencoded");
      r.body = form;
    }
    return must(client.send_and_wait(std::move(r), 10'000));
  }
  net::client_response with_token(const std::string& token) {
    return get("/fhir/metadata", {{"Accept", "application/fhir+json"}, {"Authorization", "Bearer " + token}});
  }
  static std::string cookie_of(const net::client_response& r, const std::string& name) {
    for (const auto value : r.headers.all("Set-Cookie"))
      if (value.starts_with(name + "=")) {
        CHECK(value.find("; Secure; HttpOnly; SameSite=Lax") != std::string_view::npos);
        return std::string(value.substr(0, value.find(';')));
      }
    return {};
  }
  // The whole way of a browser; the session's cookie.
  std::string log_in() {
    const auto out = get("/fhir/metadata?x=1", {{"Accept", "text/html"}});
    REQUIRE(out.status == 302);
    REQUIRE(out.headers.value("Location").starts_with(provider.issuer() + "/auth?"));
    login_cookie = cookie_of(out, "__Host-dsfd-login");
    const auto there = get(std::string(out.headers.value("Location")));
    REQUIRE(there.status == 302);
    way_back = there.headers.value("Location");
    REQUIRE(way_back.starts_with(origin + "/fhir/login/callback?"));
    const auto in = get(way_back, {{"Accept", "text/html"}, {"Cookie", "other=1; " + login_cookie}});
    REQUIRE(in.status == 302);
    CHECK(in.headers.value("Location") == "/fhir/metadata?x=1");
    return cookie_of(in, "__Host-dsfd-session");
  }
  net::client_response with_cookie(const std::string& cookie, const std::string& path = "/fhir/metadata") {
    return get(path, {{"Accept", "application/fhir+json"}, {"Cookie", cookie}});
  }

  std::string origin, login_cookie, way_back;
  open_id_provider provider;

private:
  net::tls_identity server_identity() {
    return must(net::tls_identity::load({folder / "server.pem", folder / "server.key", {}, {}, folder / "ca.pem"}));
  }
};

}  // namespace

TEST_CASE("open id: bearer tokens, each fault with its status", "[oidc]") {
  site_with_people s(free_port(), "bearer_token: true");
  auto process = s.start();
  CHECK(s.with_token(s.provider.token(bearer_of())).status == 200);
  // A certificate is as good as before, and counts first.
  CHECK(s.get("/fhir/metadata", {{"Accept", "application/fhir+json"}}, "client").status == 200);

  const auto nothing = s.get("/fhir/metadata");
  CHECK(nothing.status == 403);
  CHECK(!nothing.headers.find("WWW-Authenticate"));
  CHECK(nothing.headers.value("Content-Type").starts_with("application/fhir+json"));
  const auto told = must(json::parse(nothing.body));
  CHECK(told["resourceType"].str() == "OperationOutcome");
  CHECK(told["issue"][0]["code"].str() == "login");
  CHECK(told["issue"][0]["diagnostics"].str().find("client certificate") != std::string::npos);
  CHECK(s.get("/fhir/metadata", {{"Accept", "application/fhir+xml"}}).body.find("<OperationOutcome") != std::string::npos);
  // Another scheme shows something, which is not what is wanted (dsf-fhir-server 2.3).
  const auto basic = s.get("/fhir/metadata", {{"Authorization", "Basic eDp5"}});
  CHECK(basic.status == 401);
  CHECK(basic.headers.value("WWW-Authenticate") == "Bearer");
  const auto with = [&](std::string_view name, json value) {
    auto c = bearer_of();
    c.set(name, std::move(value));
    return c;
  };
  const auto expired = s.with_token(s.provider.token(with("exp", now_s() - 10)));
  CHECK(expired.status == 401);
  CHECK(expired.headers.value("WWW-Authenticate").find("The access token expired") != std::string_view::npos);
  CHECK(s.with_token(s.provider.token(with("aud", "somebody-else"))).status == 400);
  CHECK(s.with_token(s.provider.token(with("iss", "https://elsewhere.example"))).status == 400);
  CHECK(s.with_token(s.provider.token(with("nbf", now_s() + 60))).status == 400);
  CHECK(s.with_token(s.provider.forged_token(bearer_of())).status == 400);
  CHECK(s.with_token(open_id_provider::unsigned_token(with("iss", s.provider.issuer()))).status == 400);
  CHECK(s.with_token("nonsense").status == 400);
  CHECK(s.with_token(s.provider.token(bearer_of("some-other-role"))).status == 403);
  // A role that gives READ gives no more.
  const auto post = s.get("/fhir/Group", {{"Authorization", "Bearer " + s.provider.token(bearer_of())}}, {}, "a=b");
  CHECK(post.status >= 400);
  CHECK(read_text(s.folder / "log.jsonl").find("s3cret") == std::string::npos);
  CHECK(process.stop(15'000));
}

TEST_CASE("open id: the provider's keys roll over, and its absence is 503", "[oidc]") {
  site_with_people s(free_port(), "bearer_token: true");
  auto process = s.start();
  const auto before = s.provider.token(bearer_of());
  CHECK(s.with_token(before).status == 200);
  CHECK(s.provider.key_requests() == 1);
  CHECK(s.with_token(before).status == 200);
  CHECK(s.provider.key_requests() == 1);
  // Whoever names keys that do not exist does not make us ask for each.
  for (int i = 0; i < 5; ++i) CHECK(s.with_token(open_id_provider::unsigned_token(bearer_of()) + "AAAA").status == 400);
  CHECK(s.provider.key_requests() <= 2);
  s.provider.roll_over();
  const auto after = s.provider.token(bearer_of());
  int status = 0;
  // Ten seconds after the last answer the provider is asked again.
  for (int waited = 0; waited < 60 && (status = s.with_token(after).status) != 200; ++waited) ::usleep(250'000);
  CHECK(status == 200);
  CHECK(s.with_token(before).status == 400);
  CHECK(process.stop(15'000));

  auto again = s.start();
  s.provider.stop();
  const auto gone = s.with_token(after);
  CHECK(gone.status == 503);
  CHECK(gone.headers.has("Retry-After"));
  CHECK(again.stop(15'000));
}

TEST_CASE("open id: a browser logs in, works, and logs out", "[oidc]") {
  site_with_people s(free_port(), "authorization_code_flow: true, back_channel_logout: true");
  s.provider.log_in(person());
  auto process = s.start();
  // Nothing shown, and no browser.
  const auto nothing = s.get("/fhir/metadata");
  CHECK(nothing.status == 403);
  CHECK(must(json::parse(nothing.body))["issue"][0]["code"].str() == "login");

  const auto session = s.log_in();
  REQUIRE_FALSE(session.empty());
  CHECK(s.with_cookie(session).status == 200);
  // The way back is good once, and only in the browser that began.
  CHECK(s.get(s.way_back, {{"Accept", "text/html"}, {"Cookie", s.login_cookie}}).status == 403);
  const auto out = s.get("/fhir/metadata", {{"Accept", "text/html"}});
  const auto there = s.get(std::string(out.headers.value("Location")));
  const std::string stolen(there.headers.value("Location"));
  CHECK(s.get(stolen, {{"Accept", "text/html"}}).status == 403);
  CHECK(s.get(stolen, {{"Accept", "text/html"}, {"Cookie", s.login_cookie}}).status == 403);
  // A session that never was leads to the provider.
  CHECK(s.with_cookie("__Host-dsfd-session=guessed").status == 302);

  const auto left = s.with_cookie(session, "/fhir/logout");
  CHECK(left.status == 302);
  CHECK(left.headers.value("Location").starts_with(s.provider.issuer() + "/logout?id_token_hint="));
  CHECK(s.with_cookie(session).status == 302);
  CHECK(process.stop(15'000));
}

TEST_CASE("open id: the provider ends sessions from behind", "[oidc]") {
  site_with_people s(free_port(), "authorization_code_flow: true, back_channel_logout: true");
  s.provider.log_in(person());
  auto process = s.start();
  const auto session = s.log_in(), other = s.log_in();
  CHECK(s.with_cookie(session).status == 200);
  json events, c;
  events.set("http://schemas.openid.net/event/backchannel-logout", json{json::object{}});
  c.set("aud", "dsf-site-a");
  c.set("sid", "another-session");
  const auto post = [&](const std::string& token) {
    return s.get("/fhir/back-channel-logout", {}, {}, token.empty() ? "x=y" : net::encode_query({{"logout_token", token}})).status;
  };
  CHECK(post("") == 403);
  CHECK(post(s.provider.token(c)) == 400);  // no logout token
  c.set("events", std::move(events));
  CHECK(post(s.provider.forged_token(c)) == 400);
  CHECK(post(s.provider.token(c)) == 200);
  CHECK(s.with_cookie(session).status == 200);
  c.set("sid", "session-1");
  CHECK(post(s.provider.token(c)) == 200);
  CHECK(s.with_cookie(session).status == 302);
  CHECK(s.with_cookie(other).status == 302);
  CHECK(process.stop(15'000));
}
