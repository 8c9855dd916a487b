#include "actors/peer_facts.hpp"

namespace dsf::actors {

fhir::certificate_facts facts_of(const net::peer& p) {
  fhir::certificate_facts f;
  f.thumbprint = p.thumbprint;
  if (!p.email.empty()) f.subject_emails.push_back(p.email);
  f.common_name = p.common_name;
  if (!p.surname.empty()) f.surnames.push_back(p.surname);
  if (!p.given_name.empty()) f.given_names.push_back(p.given_name);
  f.not_after = p.not_after;
  return f;
}

}  // namespace dsf::actors
