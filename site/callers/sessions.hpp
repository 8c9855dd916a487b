// Browsers that are logged in, and those that are on their way to the provider and back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "net/jwt.hpp"

namespace dsf::site {

struct login {
  std::string nonce;
  std::string verifier;  // PKCE (RFC 7636)
  std::string target;    // what was asked for
};

struct session {
  std::shared_ptr<const net::token_claims> claims;
  std::string id_token;    // a hint for the provider at logout
  base::timestamp expires;
  std::int64_t used_us = 0;  // steady
};

// Thread-safe. Kept in memory only: after a restart people log in again.
class sessions {
public:
  sessions(std::int64_t idle_us, const base::clock& time, base::entropy& entropy) : idle_us_(idle_us), clock_(&time), entropy_(&entropy) {}

  // 256 bits as Base64 in the form of URLs.
  std::string random_text();
  // The name of the attempt (state).
  std::string begin(login l);
  // Once; nothing for one that is unknown, used, or older than ten minutes.
  std::optional<login> take(const std::string& state);
  std::string open(session s);
  // Nothing for one that ended, by its token or because nobody used it.
  std::optional<session> use(const std::string& id);
  std::optional<session> close(const std::string& id);
  // By subject or the provider's session; how many.
  std::size_t close_all(const std::string& subject, const std::string& provider_session);
  [[nodiscard]] std::int64_t idle_us() const noexcept { return idle_us_; }

private:
  struct pending {
    login what;
    std::int64_t begun_us = 0;
  };
  void forget_old();

  std::int64_t idle_us_;
  const base::clock* clock_;
  base::entropy* entropy_;
  std::mutex mutex_;
  std::map<std::string, pending> pending_;
  std::map<std::string, session> open_;
};

}  // namespace dsf::site
