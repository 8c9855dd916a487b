// The members of a consortium as one endpoint's allow-list has them (dsf-fhir-server 1.6, 6.3).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace dsf::site::ctl {

struct member {
  std::string organization;  // identifier
  std::string name;
  bool active = false;
  std::vector<std::string> thumbprints;
  std::string address;  // of its endpoint; empty: none
  std::vector<std::pair<std::string, std::string>> roles;  // identifier of the parent organisation, code; sorted
};

// Of the Organizations, OrganizationAffiliations and Endpoints in a Bundle, a search's or a transaction's. Parents are no members.
std::vector<member> members_of(const base::json& bundle);
const member* find_member(const std::vector<member>& all, std::string_view organization);
// "DIC in medizininformatik-initiative.de, ..."; "no role" without one.
std::string roles_text(const member& m);

}  // namespace dsf::site::ctl
