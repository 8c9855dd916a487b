// People who come with an OpenID provider's tokens: bearer tokens, and sessions of browsers (dsf-fhir-server 2.1 rows 2, 4, 5; 2.3).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/entropy.hpp"
#include "base/log.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"
#include "site/callers/sessions.hpp"
#include "site/callers/token_issuer.hpp"

namespace dsf::site {

// A person's session began or ended, or did not begin; for the audit log.
struct session_note {
  enum class kind : std::uint8_t { began, ended, ended_by_provider, refused };
  kind what = kind::began;
  std::string person;   // e-mail address, else subject; empty if not known
  std::string address;  // empty if not known
  std::string why;      // of a refusal
};

struct open_id_options {
  std::string base_url;  // of the FHIR endpoint
  bool bearer_token = false;
  bool code_flow = false;
  bool back_channel_logout = false;
  std::string audience;  // of bearer tokens; empty: not judged
  std::string client_id;
  base::secret client_secret;
  std::string callback_path = "/login/callback";  // below the base, and so is:
  std::string back_channel_path = "/back-channel-logout";
  std::int64_t session_idle_us = 1'800 * base::us_per_s;
  std::int64_t timeout_ms = 30'000;
  std::function<void(const session_note&)> on_session;  // on any thread; must not block
};

// Thread-safe. Has to live until the transport has called back.
class open_id {
public:
  open_id(open_id_options options, std::unique_ptr<token_issuer> issuer, net::transport& transport, const base::logger& log,
          const base::clock& time = base::system_clock_source(), base::entropy& entropy = base::system_entropy());

  // Row 2: the provider says that somebody is no longer logged in. False: it is another request.
  bool takes_logout(const net::request& r) const;
  void logout(net::request&& r, net::responder answer);
  // Rows 4 to 6, for a request without a certificate.
  void enter(net::request&& r, net::responder answer, const net::handler& next);
  // For WebSockets, which a browser opens with its session's cookie. Null: none.
  std::shared_ptr<const net::peer> of_session(const net::request& r);

private:
  struct asked;
  void bearer(net::request&& r, net::responder answer, const net::handler& next);
  void start_login(net::request&& r, net::responder answer);
  void callback(const net::request& r, net::responder answer);
  void tokens_arrived(std::shared_ptr<asked> a, const issuer_knowledge& issuer, net::result<net::client_response> tokens);
  void leave(const net::request& r, net::responder answer);
  void note(session_note n) const {
    if (options_.on_session) options_.on_session(n);
  }
  [[nodiscard]] std::string path_of(const std::string& below) const { return base_path_ + below; }

  open_id_options options_;
  std::string base_path_;
  std::unique_ptr<token_issuer> issuer_;
  net::transport* transport_;
  const base::logger* log_;
  const base::clock* clock_;
  sessions sessions_;
};

}  // namespace dsf::site
