// Every request comes through here first: who sends it? (dsf-fhir-server 2.1)
#pragma once

#include <memory>

#include "net/http.hpp"
#include "site/callers/open_id.hpp"
#include "site/callers/proxied_certificate.hpp"

namespace dsf::site {

class front_door {
public:
  // `people` null: neither bearer tokens nor logins.
  explicit front_door(std::unique_ptr<certificate_of_request> certificates, std::unique_ptr<open_id> people = nullptr)
      : certificates_(std::move(certificates)), people_(std::move(people)) {}

  // Gives the request on with its caller as `peer`, or answers it: 403 without a body for who shows nothing.
  void enter(net::request&& r, net::responder answer, bool plain, const net::handler& next);
  // For a WebSocket, whose judge answers at once: a certificate or a browser's session. Null: `refused` is the answer.
  std::shared_ptr<const net::request> enter(const net::request& r, bool plain, net::response& refused);
  // Client certificates are judged by this one from now on.
  void use(net::tls_identity trust) { certificates_->use(std::move(trust)); }

private:
  std::unique_ptr<certificate_of_request> certificates_;
  std::unique_ptr<open_id> people_;
};

}  // namespace dsf::site
