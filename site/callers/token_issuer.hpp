// An OpenID provider's addresses and keys: asked for when they are needed, and kept for a while (dsf-fhir-server 2.3, "Discovery").
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/jwt.hpp"
#include "net/transport.hpp"

namespace dsf::site {

struct issuer_options {
  std::string realm_base_url;  // the issuer
  std::string discovery_path = "/.well-known/openid-configuration";
  std::int64_t keep_us = 3'600 * base::us_per_s;
  std::int64_t timeout_ms = 30'000;
};

struct issuer_knowledge {
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string end_session_endpoint;  // empty if it has none
  net::signing_keys keys;
};

// Thread-safe. Has to live until the transport has called back.
class token_issuer {
public:
  using knowledge = base::result<std::shared_ptr<const issuer_knowledge>>;
  token_issuer(issuer_options options, net::transport& transport, const base::clock& time = base::system_clock_source())
      : options_(std::move(options)), transport_(&transport), clock_(&time) {}

  // At once if what is known is fresh and has the key (any, if empty); else after the provider was asked. For a key it did not have a moment
  // ago it is not asked again: tokens of strangers must not become requests.
  void ask(const std::string& key_id, std::function<void(knowledge)> done);
  [[nodiscard]] const std::string& name() const noexcept { return options_.realm_base_url; }

private:
  void fetch();
  void read_document(net::result<net::client_response> answer);
  void read_keys(std::shared_ptr<issuer_knowledge> next, net::result<net::client_response> answer);
  void finish(knowledge k);
  void get(const std::string& url, net::client_callback done);

  issuer_options options_;
  net::transport* transport_;
  const base::clock* clock_;
  std::mutex mutex_;
  std::shared_ptr<const issuer_knowledge> known_;
  std::optional<base::error> failed_;
  std::int64_t known_since_us_ = 0;
  std::int64_t asked_us_ = INT64_MIN / 2;
  bool asking_ = false;
  std::vector<std::function<void(knowledge)>> waiting_;
};

}  // namespace dsf::site
