// Small parts of the talk with browsers and providers. Private to callers/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"
#include "net/jwt.hpp"
#include "site/callers/token_issuer.hpp"

namespace dsf::site {

std::string sha256(std::string_view bytes);
// Cookies of this program, which only its own host sets and sees (RFC 6265bis, 4.1.3.2).
inline constexpr std::string_view session_cookie = "__Host-dsfd-session", login_cookie = "__Host-dsfd-login";
std::optional<std::string> cookie_of(const net::request& r, std::string_view name);
// Ends with the browser, or after `seconds`; 0 takes it away.
std::string set_cookie(std::string_view name, std::string_view value, std::optional<int> seconds);

// Without a body, never kept by a cache.
net::response bare(int status);
// 403 with an OperationOutcome: a request that shows nothing of who asks (issue 4, "Authentication").
net::response nothing_shown(const net::request& r);
net::response redirect(const std::string& to);
// 401 or 400, as dsf-fhir-server 2.3 has them, for a token that was not good.
net::response token_refusal(const base::error& why);
net::response provider_failure();

// The token's signature and claims; the keys may have to be asked for first.
void judge_token(token_issuer& issuer, const std::string& token, net::token_rules rules, const base::clock& time,
                 std::function<void(base::result<net::token_claims>, std::shared_ptr<const base::json> all)> done);
// `name` stands for the token where a certificate's thumbprint would.
std::shared_ptr<const net::peer> peer_of(std::shared_ptr<const net::token_claims> claims, const std::string& name,
                                         const std::string& address);

}  // namespace dsf::site
