// An allow-list bundle: who belongs to a consortium, under which certificate and address (dsf-fhir-server 6.3).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace dsf::site::ctl {

struct allow_list_member {
  std::string organization;  // identifier
  std::string name;
  std::string endpoint;      // identifier; a host name
  std::string address;       // base URL of the FHIR endpoint
  std::string thumbprint;    // of its client certificate
  std::string role;          // code of DSF's organization-role
};

// A transaction of conditional updates, so that loading it again changes nothing.
base::json allow_list_bundle(const std::string& parent_organization, std::span<const allow_list_member> members);

}  // namespace dsf::site::ctl
