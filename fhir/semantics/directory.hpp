// The allow-list as a value that answers in nanoseconds: organisations, endpoints, affiliations. Immutable; the endpoint builds a new one
// when a commit has touched one of the three types.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "base/uuid.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/view.hpp"

namespace dsf::fhir {

struct organization_entry {
  base::uuid id;
  std::vector<std::string> identifiers;    // values in the org-id system
  std::vector<std::string> thumbprints;
  std::vector<base::uuid> endpoints;
  bool active = false;
};

struct endpoint_entry {
  base::uuid id;
  std::string identifier;                  // value in the endpoint-id system
  std::string address;
  std::vector<std::string> thumbprints;
  std::optional<base::uuid> organization;
  bool active = false;
};

struct affiliation_entry {
  base::uuid id;
  base::uuid parent;
  base::uuid member;
  std::vector<base::uuid> endpoints;
  std::vector<code_in_system> roles;
  bool active = false;
};

class directory {
public:
  // Reads all resources of the three types; `base_url` turns absolute references to this server into relative ones.
  static base::result<std::shared_ptr<const directory>> build(const resource_view& view, std::string_view base_url);
  static bool depends_on(std::string_view type) {
    return type == "Organization" || type == "Endpoint" || type == "OrganizationAffiliation";
  }

  const organization_entry* organization(base::uuid id) const;
  // Any organisation with that identifier, active or not.
  const organization_entry* organization(std::string_view identifier) const;
  const endpoint_entry* endpoint(base::uuid id) const;
  const endpoint_entry* endpoint_at(std::string_view address) const;
  const std::vector<organization_entry>& organizations() const { return organizations_; }
  const std::vector<endpoint_entry>& endpoints() const { return endpoints_; }
  const std::vector<affiliation_entry>& affiliations() const { return affiliations_; }

  // The one active organisation with this certificate; nothing if there are none or several (dsf-fhir-server 2.2).
  const organization_entry* active_by_thumbprint(std::string_view thumbprint) const;
  // True if an active affiliation makes `member` (active) play `role` in the active organisation `parent_identifier`. With an endpoint identifier only
  // affiliations that refer to that Endpoint count (dsf-fhir-server 1.8).
  bool is_member(base::uuid member, std::string_view parent_identifier, const code_in_system& role,
                 std::string_view endpoint_identifier = {}) const;
  // Identity of the snapshot, for caches keyed by it.
  std::uint64_t epoch() const { return epoch_; }

private:
  void index();
  std::vector<organization_entry> organizations_;
  std::vector<endpoint_entry> endpoints_;
  std::vector<affiliation_entry> affiliations_;
  std::unordered_map<base::uuid, std::size_t> organization_by_id_;
  std::unordered_map<std::string, std::size_t> organization_by_identifier_;
  std::unordered_map<std::string, std::vector<std::size_t>> organization_by_thumbprint_;
  std::unordered_map<base::uuid, std::size_t> endpoint_by_id_;
  std::unordered_map<std::string, std::size_t> endpoint_by_address_;
  std::unordered_map<base::uuid, std::vector<std::size_t>> affiliations_of_;
  std::uint64_t epoch_ = 0;
};

}  // namespace dsf::fhir
