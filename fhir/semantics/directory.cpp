#include "fhir/semantics/directory.hpp"

#include <algorithm>

#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

constexpr std::size_t max_entries = 100'000;

std::vector<std::string> thumbprints_of(const base::json& resource) {
  std::vector<std::string> out;
  for (const auto* e : extensions(resource, names::ext_thumbprint))
    if (const auto& value = (*e)["valueString"].str(); !value.empty()) out.push_back(value);
  return out;
}

template <class Read>
base::result<void> each(const resource_view& view, std::string_view type, Read&& read) {
  const auto ids = TRY(view.all_ids(type, max_entries));
  for (const auto& id : ids) {
    const auto stored = TRY(view.current(type, id));
    if (!stored || stored->deleted || !stored->bytes) continue;
    const auto resource = TRY(base::json::parse(*stored->bytes));
    read(id, resource);
  }
  return {};
}

template <class T>
const T* at(const std::vector<T>& list, std::size_t i) {
  return &list[i];
}

}  // namespace

base::result<std::shared_ptr<const directory>> directory::build(const resource_view& view, std::string_view base_url) {
  auto out = std::make_shared<directory>();
  out->epoch_ = view.sequence();
  const auto targets = [&](const base::json& references, std::string_view type) {
    std::vector<base::uuid> ids;
    for (const auto& r : references)
      if (const auto id = internal_target(r["reference"].str(), type, base_url)) ids.push_back(*id);
    return ids;
  };
  TRY(each(view, "Organization", [&](base::uuid id, const base::json& o) {
    out->organizations_.push_back({id, identifier_values(o["identifier"], names::organization_sid), thumbprints_of(o),
                                   targets(o["endpoint"], "Endpoint"), o["active"].bool_or(false)});
  }));
  TRY(each(view, "Endpoint", [&](base::uuid id, const base::json& e) {
    const auto identifiers = identifier_values(e["identifier"], names::endpoint_sid);
    out->endpoints_.push_back({id, identifiers.empty() ? std::string{} : identifiers.front(), e["address"].str(), thumbprints_of(e),
                               internal_target(e["managingOrganization"]["reference"].str(), "Organization", base_url),
                               e["status"].str() == "active"});
  }));
  // Logical references name their target by identifier; the served resource has no literal beside it (dsf-fhir-server 4.3).
  out->index();
  const auto organization_target = [&](const base::json& reference) -> std::optional<base::uuid> {
    if (const auto id = internal_target(reference["reference"].str(), "Organization", base_url)) return id;
    if (reference["identifier"]["system"].str() != names::organization_sid) return {};
    const auto* o = out->organization(reference["identifier"]["value"].str());
    return o ? std::optional(o->id) : std::nullopt;
  };
  for (auto& e : out->endpoints_) {
    if (e.organization) continue;
    const auto stored = TRY(view.current("Endpoint", e.id));
    if (!stored || !stored->bytes) continue;
    e.organization = organization_target(TRY(base::json::parse(*stored->bytes))["managingOrganization"]);
  }
  TRY(each(view, "OrganizationAffiliation", [&](base::uuid id, const base::json& a) {
    const auto parent = organization_target(a["organization"]);
    const auto member = organization_target(a["participatingOrganization"]);
    if (!parent || !member) return;
    std::vector<code_in_system> roles;
    for (const auto& code : a["code"])
      for (const auto& c : code["coding"]) roles.push_back(coding_of(c));
    auto endpoints = targets(a["endpoint"], "Endpoint");
    for (const auto& r : a["endpoint"])
      if (r["reference"].is_null() && r["identifier"]["system"].str() == names::endpoint_sid)
        for (const auto& e : out->endpoints_)
          if (e.identifier == r["identifier"]["value"].str()) endpoints.push_back(e.id);
    out->affiliations_.push_back({id, *parent, *member, std::move(endpoints), std::move(roles), a["active"].bool_or(false)});
  }));
  out->index();
  return std::shared_ptr<const directory>(std::move(out));
}

void directory::index() {
  organization_by_id_.clear(), organization_by_identifier_.clear(), organization_by_thumbprint_.clear();
  endpoint_by_id_.clear(), endpoint_by_address_.clear(), affiliations_of_.clear();
  for (std::size_t i = 0; i < organizations_.size(); ++i) {
    const auto& o = organizations_[i];
    organization_by_id_.emplace(o.id, i);
    for (const auto& identifier : o.identifiers) organization_by_identifier_.emplace(identifier, i);
    for (const auto& t : o.thumbprints) organization_by_thumbprint_[t].push_back(i);
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    endpoint_by_id_.emplace(endpoints_[i].id, i);
    endpoint_by_address_.emplace(endpoints_[i].address, i);
  }
  for (std::size_t i = 0; i < affiliations_.size(); ++i) affiliations_of_[affiliations_[i].member].push_back(i);
}

const organization_entry* directory::organization(base::uuid id) const {
  const auto found = organization_by_id_.find(id);
  return found == organization_by_id_.end() ? nullptr : at(organizations_, found->second);
}
const organization_entry* directory::organization(std::string_view identifier) const {
  const auto found = organization_by_identifier_.find(std::string(identifier));
  return found == organization_by_identifier_.end() ? nullptr : at(organizations_, found->second);
}
const endpoint_entry* directory::endpoint(base::uuid id) const {
  const auto found = endpoint_by_id_.find(id);
  return found == endpoint_by_id_.end() ? nullptr : at(endpoints_, found->second);
}
const endpoint_entry* directory::endpoint_at(std::string_view address) const {
  const auto found = endpoint_by_address_.find(std::string(address));
  return found == endpoint_by_address_.end() ? nullptr : at(endpoints_, found->second);
}

const organization_entry* directory::active_by_thumbprint(std::string_view thumbprint) const {
  const auto found = organization_by_thumbprint_.find(std::string(thumbprint));
  if (found == organization_by_thumbprint_.end()) return nullptr;
  const organization_entry* only = nullptr;
  for (const auto i : found->second) {
    if (!organizations_[i].active) continue;
    if (only) return nullptr;
    only = &organizations_[i];
  }
  return only;
}

bool directory::is_member(base::uuid member, std::string_view parent_identifier, const code_in_system& role,
                          std::string_view endpoint_identifier) const {
  const auto found = affiliations_of_.find(member);
  const auto* organization_of_member = organization(member);
  if (found == affiliations_of_.end() || !organization_of_member || !organization_of_member->active) return false;
  return std::ranges::any_of(found->second, [&](std::size_t i) {
    const auto& a = affiliations_[i];
    if (!a.active || std::ranges::find(a.roles, role) == a.roles.end()) return false;
    const auto* parent = organization(a.parent);
    if (!parent || !parent->active || std::ranges::find(parent->identifiers, parent_identifier) == parent->identifiers.end()) return false;
    return endpoint_identifier.empty() || std::ranges::any_of(a.endpoints, [&](base::uuid id) {
             const auto* e = endpoint(id);
             return e && e->identifier == endpoint_identifier;
           });
  });
}

}  // namespace dsf::fhir
