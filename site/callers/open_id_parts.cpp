#include "site/callers/open_id_parts.hpp"

#include <openssl/evp.h>

#include "base/mutant.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/semantics/refusal.hpp"
#include "net/query.hpp"

namespace dsf::site {

std::string sha256(std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &n, EVP_sha256(), nullptr);
  return {reinterpret_cast<char*>(out), n};
}

std::optional<std::string> cookie_of(const net::request& r, std::string_view name) {
  for (auto list : r.headers.all("Cookie")) {
    while (!list.empty()) {
      const auto end = list.find(';');
      auto one = list.substr(0, end);
      list = end == list.npos ? std::string_view() : list.substr(end + 1);
      one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
      if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') return std::string(one.substr(name.size() + 1));
    }
  }
  return {};
}

std::string set_cookie(std::string_view name, std::string_view value, std::optional<int> seconds) {
  return std::string(name) + '=' + std::string(value) + "; Path=/; Secure; HttpOnly; SameSite=Lax" +
         (seconds ? "; Max-Age=" + std::to_string(*seconds) : std::string());
}

net::response bare(int status) {
  net::response r;
  r.status = status;
  r.headers.add("Cache-Control", "no-store");
  return r;
}

net::response nothing_shown(const net::request& r) {
  fhir::interaction_request asked;
  asked.method = r.method == "HEAD" ? fhir::http_method::head : fhir::http_method::get;
  if (const auto* accept = r.headers.find("Accept")) asked.accept = *accept;
  if (const auto q = net::parse_query(r.query()))
    for (const auto& p : *q) asked.query.emplace_back(p.name, p.value);
  auto told = fhir::refusal_reply(asked, DSF_MUTANT("callers.nothing_shown_is_401") ? 401 : 403, "login",
                                  "The request shows nothing of who asks: send a client certificate or an Authorization header with a "
                                  "bearer token, or log in with a browser, whichever this server offers");
  auto out = bare(told.status);
  const auto& outcome = std::get<base::json>(told.body);
  auto text = told.xml ? fhir::write_xml(outcome, told.pretty) : base::result<std::string>(outcome.dump());
  if (!text) return out;
  out.headers.set("Content-Type", told.media_type + ";charset=UTF-8");
  if (!told.head_only)
    out.body = *std::move(text);
  else
    out.headers.set("Content-Length", std::to_string(text->size()));
  return out;
}

net::response redirect(const std::string& to) {
  auto r = bare(302);
  r.headers.add("Location", to);
  return r;
}

net::response token_refusal(const base::error& why) {
  if (!why.is(net::errc::token_expired)) return bare(why.is(net::errc::token_invalid) ? 400 : 503);
  auto r = bare(401);
  r.headers.add("WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"The access token expired\"");
  return r;
}

net::response provider_failure() {
  auto r = bare(503);
  r.headers.add("Retry-After", "5");
  return r;
}

void judge_token(token_issuer& issuer, const std::string& token, net::token_rules rules, const base::clock& time,
                 std::function<void(base::result<net::token_claims>, std::shared_ptr<const base::json>)> done) {
  auto parsed = net::parse_jwt(token);
  if (!parsed) return done(base::failure(std::move(parsed).error()), nullptr);
  auto shared = std::make_shared<const net::jwt>(*std::move(parsed));
  issuer.ask(shared->key_id, [shared, rules = std::move(rules), &time, done = std::move(done)](token_issuer::knowledge k) {
    if (!k) return done(base::failure(std::move(k).error()), nullptr);
    if (const auto good = (*k)->keys.verify(*shared); !good) return done(base::failure(good.error()), nullptr);
    done(net::judge_claims(shared->claims, rules, time.now()), std::shared_ptr<const base::json>(shared, &shared->claims));
  });
}

std::shared_ptr<const net::peer> peer_of(std::shared_ptr<const net::token_claims> claims, const std::string& name,
                                         const std::string& address) {
  auto p = std::make_shared<net::peer>();
  p->thumbprint = name;
  p->email = claims->email;
  p->surname = claims->family_name;
  p->given_name = claims->given_name;
  p->not_after = claims->expires;
  p->address = address;
  p->token = std::move(claims);
  return p;
}

}  // namespace dsf::site
