#include "site/callers/open_id.hpp"

#include "base/bytes.hpp"
#include "net/query.hpp"
#include "site/callers/open_id_parts.hpp"

namespace dsf::site {
namespace {

constexpr std::string_view component = "callers";
constexpr std::string_view bearer_scheme = "Bearer ";

std::string form_value(std::string_view form, std::string_view name) {
  const auto parameters = net::parse_query(form);
  if (!parameters) return {};
  for (const auto& p : *parameters)
    if (p.name == name) return p.value;
  return {};
}

}  // namespace

open_id::open_id(open_id_options options, std::unique_ptr<token_issuer> issuer, net::transport& transport, const base::logger& log,
                 const base::clock& time, base::entropy& entropy)
    : options_(std::move(options)),
      issuer_(std::move(issuer)),
      transport_(&transport),
      log_(&log),
      clock_(&time),
      sessions_(options_.session_idle_us, time, entropy) {
  const auto url = net::parse_url(options_.base_url);
  base_path_ = url && url->target != "/" ? url->target : std::string();
}

bool open_id::takes_logout(const net::request& r) const {
  const auto* type = r.headers.find("Content-Type");
  return options_.back_channel_logout && r.method == "POST" && r.path() == path_of(options_.back_channel_path) && type &&
         type->starts_with("application/x-www-form-urlencoded");
}

// OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8
void open_id::logout(net::request&& r, net::responder answer) {
  const auto token = form_value(r.body, "logout_token");
  if (token.empty()) return answer(bare(403));
  net::token_rules rules{.issuer = issuer_->name(), .audience = options_.client_id, .needs_expiry = false};
  auto to = std::make_shared<net::responder>(std::move(answer));
  judge_token(*issuer_, token, std::move(rules), *clock_,
              [this, to](base::result<net::token_claims> claims, std::shared_ptr<const base::json> all) {
                auto good = claims ? net::judge_logout(*all) : base::result<void>(base::failure(claims.error()));
                if (!good) {
                  log_->warning(component, "a logout token was refused", {}, {{"reason", good.error().to_string()}});
                  return (*to)(good.error().is(net::errc::issuer_failed) ? provider_failure() : bare(400));
                }
                const auto n = sessions_.close_all(claims->subject, claims->session);
                log_->info(component, "the OpenID provider ended sessions", {}, {{"sessions", std::uint64_t(n)}});
                if (n > 0) note({session_note::kind::ended_by_provider, claims->email.empty() ? claims->subject : claims->email, {}, {}});
                (*to)(bare(200));
              });
}

std::shared_ptr<const net::peer> open_id::of_session(const net::request& r) {
  if (!options_.code_flow) return nullptr;
  const auto id = cookie_of(r, session_cookie);
  const auto s = id ? sessions_.use(*id) : std::nullopt;
  return s ? peer_of(s->claims, "session " + base::to_hex(sha256(*id)), r.peer->address) : nullptr;
}

void open_id::enter(net::request&& r, net::responder answer, const net::handler& next) {
  if (options_.code_flow) {
    if (r.method == "GET" && r.path() == path_of(options_.callback_path)) return callback(r, std::move(answer));
    if (r.method == "GET" && r.path() == path_of("/logout")) return leave(r, std::move(answer));
    if (auto who = of_session(r)) {
      r.peer = std::move(who);
      return next(std::move(r), std::move(answer));
    }
    // What a form holds would be lost on the way to the provider, where the pages' policy lets no form go; 401 has a page that says so.
    if (r.method == "POST" && r.headers.value("Content-Type").starts_with("application/x-www-form-urlencoded") &&
        r.headers.value("Accept").find("text/html") != std::string_view::npos)
      return answer(bare(401));
    if (cookie_of(r, session_cookie) || r.headers.value("Accept").find("text/html") != std::string_view::npos)
      return start_login(std::move(r), std::move(answer));
  }
  if (options_.bearer_token) return bearer(std::move(r), std::move(answer), next);
  answer(nothing_shown(r));
}

// dsf-fhir-server 2.3, "Bearer token"
void open_id::bearer(net::request&& r, net::responder answer, const net::handler& next) {
  const auto header = r.headers.value("Authorization");
  // The reference says 401 here, too; issue 4 wants 403 for who shows nothing at all.
  if (header.empty()) return answer(nothing_shown(r));
  if (header.size() <= bearer_scheme.size() || !net::equals_ignoring_case(header.substr(0, bearer_scheme.size()), bearer_scheme)) {
    auto missing = bare(401);
    missing.headers.add("WWW-Authenticate", "Bearer");
    return answer(std::move(missing));
  }
  const std::string token(header.substr(bearer_scheme.size()));
  auto request = std::make_shared<net::request>(std::move(r));
  auto to = std::make_shared<net::responder>(std::move(answer));
  judge_token(
      *issuer_, token, {.issuer = issuer_->name(), .audience = options_.audience}, *clock_,
      [this, request, to, next, name = "token " + base::to_hex(sha256(token))](base::result<net::token_claims> claims,
                                                                               const std::shared_ptr<const base::json>&) {
        if (!claims) {
          log_->warning(component, "a bearer token was refused", {},
                        {{"address", request->peer->address}, {"reason", claims.error().to_string()}});
          return (*to)(claims.error().kind() == base::error_kind::unavailable || claims.error().kind() == base::error_kind::overloaded
                           ? provider_failure()
                           : token_refusal(claims.error()));
        }
        request->headers.remove("Authorization");
        request->peer = peer_of(std::make_shared<const net::token_claims>(*std::move(claims)), name, request->peer->address);
        next(std::move(*request), std::move(*to));
      });
}

}  // namespace dsf::site
