// An OpenID provider as Keycloak is one: configuration, keys that roll over, logins with codes, logout. It signs real tokens.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "net/https_server.hpp"

namespace dsf::tests {

class open_id_provider {
public:
  // `client_secret` is what a client has to show for its codes.
  open_id_provider(net::tls_identity identity, std::string client_secret);
  ~open_id_provider();

  [[nodiscard]] std::string issuer() const;
  // Signed with the key of today; iss, iat and exp are added where they are missing.
  std::string token(base::json claims) const;
  // As above, but by a stranger who took the key's name.
  std::string forged_token(base::json claims) const;
  static std::string unsigned_token(const base::json& claims);
  // From now on another key, of the other kind (RSA, elliptic curve); the old one is no longer published.
  void roll_over();
  // Who is sitting at the browser.
  void log_in(base::json claims);
  [[nodiscard]] int key_requests() const;
  void stop();

private:
  struct signing_key;
  struct attempt {
    std::string nonce, challenge, client, redirect;
  };
  void answer(net::request&& r, net::responder a);
  net::response authorize(const net::request& r);
  net::response tokens(const net::request& r);
  static std::string sign(const signing_key& key, const base::json& claims);
  base::json completed(base::json claims) const;

  std::string secret_;
  mutable std::mutex mutex_;
  std::shared_ptr<const signing_key> key_;
  int keys_made_ = 0;
  int key_requests_ = 0;
  int codes_made_ = 0;
  base::json user_;
  std::map<std::string, attempt> codes_;
  std::optional<net::https_server> server_;
};

}  // namespace dsf::tests
