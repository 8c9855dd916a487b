// JSON Web Tokens (RFC 7519) of an OpenID provider: read, verified with its keys (RFC 7517), judged by their claims (dsf-fhir-server 2.3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "net/error.hpp"

namespace dsf::net {

// Base64 with the alphabet of URLs and without padding (RFC 7515 2).
result<std::string> from_base64url(std::string_view text);
std::string to_base64url(std::string_view bytes);

// A token as it is written: nothing of it may be believed before verify().
struct jwt {
  std::string algorithm;
  std::string key_id;
  base::json claims;
  std::string signed_part;
  std::string signature;
};
result<jwt> parse_jwt(std::string_view text);

// The keys of a provider that sign tokens.
class signing_keys {
public:
  // Keys that are not for signatures, or of an unknown kind or size, are left out; a document without any usable key is an error.
  static result<signing_keys> parse(std::string_view json);
  [[nodiscard]] bool has(std::string_view key_id) const noexcept;
  // RS256, RS384, RS512 (2048 bits at least), ES256, ES384, ES512; the key decides which of them may be.
  [[nodiscard]] result<void> verify(const jwt& token) const;

private:
  struct key;
  std::vector<std::shared_ptr<const key>> keys_;
};

struct token_claims {
  std::string subject;
  std::string session;  // sid
  std::string issuer;
  std::string email;
  std::string family_name;
  std::string given_name;
  std::string nonce;
  std::vector<std::string> roles;   // realm_access.roles, and <client>.<role> of resource_access
  std::vector<std::string> groups;
  base::timestamp expires{INT64_MAX};
};

struct token_rules {
  std::string issuer;
  std::string audience;               // empty: not judged
  bool needs_expiry = true;
  std::int64_t leeway_s = 1;
};
// token_expired, or token_invalid with what is wrong.
result<token_claims> judge_claims(const base::json& claims, const token_rules& rules, base::timestamp now);
// OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6; `claims` were judged already.
result<void> judge_logout(const base::json& claims);

}  // namespace dsf::net
