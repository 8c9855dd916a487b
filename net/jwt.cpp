#include "net/jwt.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "base/bytes.hpp"
#include "base/mutant.hpp"

namespace dsf::net {

namespace {

constexpr std::size_t token_at_most = 32 * 1024;
constexpr std::size_t names_at_most = 10'000;
constexpr std::string_view logout_event = "http://schemas.openid.net/event/backchannel-logout";

failure wrong(std::string text) { return fail(errc::token_invalid, std::move(text)); }

// Seconds, perhaps with a fraction (RFC 7519 2, NumericDate).
result<std::optional<std::int64_t>> date_of(const base::json& claims, std::string_view name) {
  const auto* found = claims.find(name);
  if (!found) return std::nullopt;
  const auto* number = found->if_number();
  if (!number) return wrong("the token's claim '" + std::string(name) + "' is not a number");
  const double s = std::strtod(number->text.c_str(), nullptr);
  if (!(std::fabs(s) < 1e11)) return wrong("the token's claim '" + std::string(name) + "' is no time");
  return static_cast<std::int64_t>(std::floor(s));
}

void add_texts(std::vector<std::string>& out, const base::json& list, const std::string& prefix = {}) {
  for (const auto& item : list)
    if (const auto* text = item.if_string(); text && !text->empty() && out.size() < names_at_most) out.push_back(prefix + *text);
}

// A text or a list of texts (RFC 7519 4.1.3).
bool names_audience(const base::json& aud, const std::string& wanted) {
  if (const auto* one = aud.if_string()) return *one == wanted;
  return std::ranges::any_of(aud, [&](const base::json& a) { return a.str() == wanted; });
}

}  // namespace

result<std::string> from_base64url(std::string_view text) {
  std::string standard(text);
  for (auto& c : standard) {
    if (c == '-')
      c = '+';
    else if (c == '_')
      c = '/';
    else if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
      return wrong("a part is not Base64 in the form of URLs");
  }
  if (standard.size() % 4 == 1) return wrong("a part is not Base64 in the form of URLs");
  standard.append((4 - standard.size() % 4) % 4, '=');
  auto bytes = base::from_base64(standard);
  // One text for one value: bits that mean nothing must not be set.
  if (!bytes || to_base64url(*bytes) != text) return wrong("a part is not Base64 in the form of URLs");
  return *std::move(bytes);
}

std::string to_base64url(std::string_view bytes) {
  auto out = base::to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (auto& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

// RFC 7515 5.2
result<jwt> parse_jwt(std::string_view text) {
  if (text.size() > token_at_most) return wrong("the token is larger than " + std::to_string(token_at_most) + " bytes");
  const auto first = text.find('.');
  const auto second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos)
    return wrong("the token does not have three parts (encrypted tokens are not read)");
  const auto header_text = TRY(from_base64url(text.substr(0, first)));
  const auto claims_text = TRY(from_base64url(text.substr(first + 1, second - first - 1)));
  const auto header = base::json::parse(header_text);
  if (!header || !header->is_object()) return wrong("the token's header is no JSON object");
  // RFC 7515 4.1.11: what must be understood and is not.
  if (header->find("crit")) return wrong("the token's header has 'crit', and nothing it can name is known here");
  auto claims = base::json::parse(claims_text);
  if (!claims || !claims->is_object()) return wrong("the token's claims are no JSON object");
  jwt out;
  out.algorithm = (*header)["alg"].str();
  out.key_id = (*header)["kid"].str();
  out.claims = *std::move(claims);
  out.signed_part = text.substr(0, second);
  out.signature = TRY(from_base64url(text.substr(second + 1)));
  return out;
}

result<token_claims> judge_claims(const base::json& claims, const token_rules& rules, base::timestamp now) {
  token_claims out;
  out.issuer = claims["iss"].str();
  if (out.issuer != rules.issuer) return wrong("the token is of the issuer '" + out.issuer + "', expected is '" + rules.issuer + "'");
  if (!rules.audience.empty() && !names_audience(claims["aud"], rules.audience) && !DSF_MUTANT("jwt.audience_not_checked"))
    return wrong("the token is not for '" + rules.audience + "' (aud)");
  const auto now_s = now.us / base::us_per_s;
  const auto expires = TRY(date_of(claims, "exp"));
  if (!expires && rules.needs_expiry) return wrong("the token does not say when it ends (exp)");
  if (expires && *expires + rules.leeway_s <= now_s && !DSF_MUTANT("jwt.expiry_not_checked"))
    return fail(errc::token_expired, "the token has expired");
  const auto begins = TRY(date_of(claims, "nbf"));
  if (begins && *begins - rules.leeway_s > now_s) return wrong("the token is not valid yet (nbf)");
  const auto issued = TRY(date_of(claims, "iat"));
  if (issued && *issued - rules.leeway_s > now_s) return wrong("the token was issued in the future (iat); compare the clocks");
  if (expires) out.expires = {*expires * base::us_per_s};
  out.subject = claims["sub"].str();
  out.session = claims["sid"].str();
  if (out.subject.empty() && out.session.empty()) return wrong("the token has neither 'sub' nor 'sid'");
  out.email = claims["email"].str();
  out.family_name = claims["family_name"].str();
  out.given_name = claims["given_name"].str();
  out.nonce = claims["nonce"].str();
  add_texts(out.roles, claims["realm_access"]["roles"]);
  if (const auto* clients = claims["resource_access"].if_object())
    for (const auto& [client, access] : *clients) add_texts(out.roles, access["roles"], client + ".");
  add_texts(out.groups, claims["groups"]);
  return out;
}

result<void> judge_logout(const base::json& claims) {
  const auto* event = claims["events"].find(logout_event);
  if (!event || !event->is_object()) return wrong("the token is no logout token (events)");
  if (claims.find("nonce")) return wrong("a logout token must not have a nonce");
  return {};
}

}  // namespace dsf::net
