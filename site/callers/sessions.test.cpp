// Sessions and attempts to log in: how long they last, and that each attempt is good once.
#include "site/callers/sessions.hpp"

#include <catch2/catch.hpp>

#include "site/callers/open_id_parts.hpp"

using namespace dsf;
using namespace dsf::site;

namespace {

constexpr std::int64_t minute_us = 60 * base::us_per_s;

session of(const std::string& subject, const std::string& sid, base::timestamp expires) {
  auto c = std::make_shared<net::token_claims>();
  c->subject = subject;
  c->session = sid;
  session s;
  s.claims = c;
  s.expires = expires;
  return s;
}

struct fixture {
  base::manual_clock time;
  base::seeded_entropy entropy{7};
  sessions all{30 * minute_us, time, entropy};
  base::timestamp later(std::int64_t minutes) { return {time.now().us + minutes * minute_us}; }
};

}  // namespace

TEST_CASE("sessions: one ends when nobody uses it, and with its token") {
  fixture f;
  const auto idle = f.all.open(of("a", "1", f.later(600))), short_token = f.all.open(of("a", "2", f.later(40)));
  CHECK(idle != short_token);
  f.time.advance_us(29 * minute_us);
  CHECK(f.all.use(idle));
  CHECK(f.all.use(short_token));
  f.time.advance_us(29 * minute_us);
  CHECK(f.all.use(idle));
  CHECK_FALSE(f.all.use(short_token));
  f.time.advance_us(30 * minute_us);
  CHECK_FALSE(f.all.use(idle));
  CHECK_FALSE(f.all.use("guessed"));
}

TEST_CASE("sessions: the provider ends one by its session, or all of a person") {
  fixture f;
  const auto one = f.all.open(of("a", "1", f.later(60))), two = f.all.open(of("a", "2", f.later(60))),
             other = f.all.open(of("b", "3", f.later(60)));
  CHECK(f.all.close_all("a", "1") == 1);
  CHECK_FALSE(f.all.use(one));
  CHECK(f.all.use(two));
  CHECK(f.all.close_all("a", "") == 1);
  CHECK_FALSE(f.all.use(two));
  CHECK(f.all.use(other));
}

TEST_CASE("sessions: an attempt is good once and for ten minutes") {
  fixture f;
  const auto state = f.all.begin({"nonce", "verifier", "/fhir/Task"});
  const auto late = f.all.begin({"nonce", "verifier", "/fhir/Task"});
  CHECK(f.all.take(state)->target == "/fhir/Task");
  CHECK_FALSE(f.all.take(state));
  f.time.advance_us(10 * minute_us);
  CHECK_FALSE(f.all.take(late));
}

TEST_CASE("sessions: cookies are found by their whole name") {
  net::request r;
  r.headers.add("Cookie", "a__Host-dsfd-session=1; __Host-dsfd-session2=2;__Host-dsfd-session=3=x");
  CHECK(cookie_of(r, session_cookie) == "3=x");
  CHECK_FALSE(cookie_of(r, login_cookie));
  CHECK(set_cookie(login_cookie, "x", 0) == "__Host-dsfd-login=x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
}
