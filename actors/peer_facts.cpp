#include "actors/peer_facts.hpp"

#include "net/jwt.hpp"
#include "net/query.hpp"

namespace dsf::actors {

fhir::certificate_facts facts_of(const net::peer& p) {
  fhir::certificate_facts f;
  f.thumbprint = p.thumbprint;
  if (!p.email.empty()) f.subject_emails.push_back(p.email);
  f.common_name = p.common_name;
  if (!p.surname.empty()) f.surnames.push_back(p.surname);
  if (!p.given_name.empty()) f.given_names.push_back(p.given_name);
  f.not_after = p.not_after;
  if (p.token) {
    const auto url = net::parse_url(p.token->issuer);
    fhir::token_facts t;
    t.subject = p.token->subject;
    t.issuer_host = url ? url->host : std::string();
    t.email = p.token->email;
    t.family_name = p.token->family_name;
    t.given_name = p.token->given_name;
    t.roles = p.token->roles;
    t.groups = p.token->groups;
    f.token = std::make_shared<const fhir::token_facts>(std::move(t));
  }
  return f;
}

}  // namespace dsf::actors
