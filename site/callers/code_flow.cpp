// A browser's way to the provider and back (OpenID Connect Core 1.0, 3.1; RFC 7636; dsf-fhir-server 2.3).
#include "base/mutant.hpp"
#include "net/query.hpp"
#include "site/callers/open_id.hpp"
#include "site/callers/open_id_parts.hpp"

namespace dsf::site {
namespace {

constexpr std::string_view component = "callers";
constexpr int login_cookie_s = 600;
constexpr std::uint64_t tokens_bytes = 256 * 1024;

std::string with_query(const std::string& url, const std::vector<net::query_parameter>& parameters) {
  return url + (url.find('?') == std::string::npos ? '?' : '&') + net::encode_query(parameters);
}

}  // namespace

struct open_id::asked {
  login what;
  std::shared_ptr<net::responder> answer;
  std::string address;  // the browser's
};

void open_id::start_login(net::request&& r, net::responder answer) {
  auto to = std::make_shared<net::responder>(std::move(answer));
  // "//host/" would lead to somebody else.
  const bool ours = r.method == "GET" && r.target.starts_with(base_path_ + '/') && !r.target.starts_with("//");
  auto target = ours ? r.target : base_path_ + '/';
  issuer_->ask({}, [this, to, target = std::move(target)](token_issuer::knowledge k) {
    if (!k) {
      log_->error(component, "nobody can log in", {}, {{"reason", k.error().to_string()}});
      return (*to)(provider_failure());
    }
    login l{.nonce = sessions_.random_text(), .verifier = sessions_.random_text(), .target = target};
    std::vector<net::query_parameter> q{{"response_type", "code"},
                                        {"client_id", options_.client_id},
                                        {"redirect_uri", options_.base_url + options_.callback_path},
                                        {"scope", "openid"},
                                        {"nonce", l.nonce},
                                        {"code_challenge", net::to_base64url(sha256(l.verifier))},
                                        {"code_challenge_method", "S256"}};
    const auto state = sessions_.begin(std::move(l));
    q.push_back({"state", state});
    auto out = redirect(with_query((*k)->authorization_endpoint, q));
    // The way back is good only in the browser that went (RFC 9700 4.7).
    out.headers.add("Set-Cookie", set_cookie(login_cookie, state, login_cookie_s));
    (*to)(std::move(out));
  });
}

void open_id::callback(const net::request& r, net::responder answer) {
  std::string state, code, problem;
  if (const auto q = net::parse_query(r.query()))
    for (const auto& p : *q) {
      if (p.name == "state") state = p.value;
      if (p.name == "code") code = p.value;
      if (p.name == "error") problem = p.value;
    }
  const bool same_browser = cookie_of(r, login_cookie) == state || DSF_MUTANT("callers.login_from_any_browser");
  auto what = state.empty() || !same_browser ? std::nullopt : sessions_.take(state);
  if (!what || code.empty()) {
    log_->warning(component, "a login was refused", {},
                  {{"address", r.peer->address},
                   {"reason", !what ? std::string("it was not begun in this browser, or too long ago") : "the provider says: " + problem}});
    note({session_note::kind::refused,
          {},
          r.peer->address,
          !what ? "the login was not begun in this browser" : "the provider logs nobody in"});
    return answer(bare(403));
  }
  auto a = std::make_shared<asked>(asked{*std::move(what), std::make_shared<net::responder>(std::move(answer)), r.peer->address});
  issuer_->ask({}, [this, a, code](token_issuer::knowledge k) {
    if (!k) return (*a->answer)(provider_failure());
    net::client_request t;
    t.method = "POST";
    t.url = (*k)->token_endpoint;
    t.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    t.answer_bytes_at_most = tokens_bytes;
    std::vector<net::query_parameter> form{{"grant_type", "authorization_code"},
                                           {"code", code},
                                           {"redirect_uri", options_.base_url + options_.callback_path},
                                           {"client_id", options_.client_id},
                                           {"code_verifier", a->what.verifier}};
    if (!options_.client_secret.empty()) form.push_back({"client_secret", options_.client_secret.reveal()});
    t.body = net::encode_query(form);
    transport_->send(std::move(t), options_.timeout_ms,
                     [this, a, issuer = *k](net::result<net::client_response> tokens) { tokens_arrived(a, *issuer, std::move(tokens)); });
  });
}

void open_id::tokens_arrived(std::shared_ptr<asked> a, const issuer_knowledge&, net::result<net::client_response> tokens) {
  const auto refuse = [this, a](const std::string& why, bool provider = false) {
    log_->warning(component, "a login was refused", {}, {{"reason", why}});
    note({session_note::kind::refused, {}, a->address, why});
    (*a->answer)(provider ? provider_failure() : bare(403));
  };
  if (!tokens) return refuse(tokens.error().to_string(), true);
  const auto body = base::json::parse(tokens->body);
  if (tokens->status != 200 || !body) return refuse("the provider gives no tokens: HTTP " + std::to_string(tokens->status));
  auto id_token = std::make_shared<const std::string>((*body)["id_token"].str());
  auto access = std::make_shared<const std::string>((*body)["access_token"].str());
  judge_token(*issuer_, *id_token, {.issuer = issuer_->name(), .audience = options_.client_id}, *clock_,
              [this, a, id_token, access, refuse](base::result<net::token_claims> id, const std::shared_ptr<const base::json>&) {
                if (!id) return refuse("its id token: " + id.error().to_string());
                if (id->nonce != a->what.nonce) return refuse("its id token was not made for this login (nonce)");
                judge_token(*issuer_, *access, {.issuer = issuer_->name()}, *clock_,
                            [this, a, id_token, refuse, claims = *std::move(id)](base::result<net::token_claims> more,
                                                                                 const std::shared_ptr<const base::json>&) mutable {
                              if (!more) return refuse("its access token: " + more.error().to_string());
                              if (more->subject != claims.subject) return refuse("its two tokens are of two people");
                              // Claims of both count; the session ends with the access token.
                              claims.roles.insert(claims.roles.end(), more->roles.begin(), more->roles.end());
                              claims.groups.insert(claims.groups.end(), more->groups.begin(), more->groups.end());
                              if (claims.email.empty()) claims.email = more->email;
                              if (claims.session.empty()) claims.session = more->session;
                              claims.expires = more->expires;
                              session s;
                              s.expires = claims.expires;
                              s.id_token = *id_token;
                              s.claims = std::make_shared<const net::token_claims>(claims);
                              auto out = redirect(a->what.target);
                              out.headers.add("Set-Cookie", set_cookie(session_cookie, sessions_.open(std::move(s)), {}));
                              out.headers.add("Set-Cookie", set_cookie(login_cookie, "", 0));
                              log_->info(component, "logged in", {}, {{"subject", claims.subject}});
                              note({session_note::kind::began, claims.email.empty() ? claims.subject : claims.email, a->address, {}});
                              (*a->answer)(std::move(out));
                            });
              });
}

// OpenID Connect RP-Initiated Logout 1.0
void open_id::leave(const net::request& r, net::responder answer) {
  const auto id = cookie_of(r, session_cookie);
  const auto closed = id ? sessions_.close(*id) : std::nullopt;
  if (closed)
    note({session_note::kind::ended, closed->claims->email.empty() ? closed->claims->subject : closed->claims->email, r.peer->address, {}});
  auto to = std::make_shared<net::responder>(std::move(answer));
  issuer_->ask({}, [this, to, hint = closed ? closed->id_token : std::string()](token_issuer::knowledge k) {
    auto out = k && !(*k)->end_session_endpoint.empty() && !hint.empty()
                   ? redirect(with_query((*k)->end_session_endpoint, {{"id_token_hint", hint},
                                                                      {"client_id", options_.client_id},
                                                                      {"post_logout_redirect_uri", options_.base_url + "/"}}))
                   : net::text_response(200, "logged out\n");
    out.headers.set("Cache-Control", "no-store");
    out.headers.add("Set-Cookie", set_cookie(session_cookie, "", 0));
    (*to)(std::move(out));
  });
}

}  // namespace dsf::site
