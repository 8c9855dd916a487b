#include "fhir/semantics/identity.hpp"

#include <algorithm>
#include <array>

#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/names.hpp"

namespace dsf::fhir {
namespace {

constexpr std::array<std::string_view, 8> operation_names = {"CREATE", "READ",    "UPDATE",           "DELETE",
                                                             "SEARCH", "HISTORY", "PERMANENT_DELETE", "WEBSOCKET"};

std::vector<dsf_role> all_roles() {
  std::vector<dsf_role> out;
  for (std::size_t i = 0; i < operation_names.size(); ++i) out.push_back({static_cast<operation>(i), {}});
  return out;
}

// dsf-fhir-server 1.2
std::vector<dsf_role> remote_roles() {
  return {{operation::create, {"Task"}}, {operation::read, {}}, {operation::search, {}}, {operation::history, {}}};
}

// dsf-fhir-server 2.2: active Endpoint with the same thumbprint; else the only Endpoint of the organisation; else unknown.
std::string remote_endpoint(const certificate_facts& certificate, const organization_entry& organization, const directory& allow_list) {
  for (const auto& e : allow_list.endpoints())
    if (e.active && std::ranges::find(e.thumbprints, certificate.thumbprint) != e.thumbprints.end()) return e.identifier;
  if (organization.endpoints.size() == 1)
    if (const auto* e = allow_list.endpoint(organization.endpoints.front())) return e->identifier;
  return {};
}

std::string local_endpoint(const directory& allow_list, const identity_config& config) {
  const auto* e = allow_list.endpoint_at(config.base_url);
  return e ? e->identifier : std::string{};
}

std::string practitioner_identifier(const certificate_facts& c) {
  for (const auto* list : {&c.subject_emails, &c.alternative_emails})
    if (!list->empty()) return list->front();
  return c.thumbprint + "@certificate.invalid";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& p : parts) out += (out.empty() ? "" : " ") + p;
  return out;
}

template <class T>
void add_unique(std::vector<T>& to, const std::vector<T>& from) {
  for (const auto& x : from)
    if (std::ranges::find(to, x) == to.end()) to.push_back(x);
}

std::optional<identity> practitioner(const certificate_facts& c, const directory& allow_list, const identity_config& config) {
  const auto names_it = [&](const practitioner_rule& r) { return std::ranges::find(r.thumbprints, c.thumbprint) != r.thumbprints.end(); };
  if (std::ranges::none_of(config.practitioner_rules, names_it)) return {};
  auto out = local_organization(allow_list, config);
  if (!out) return {};
  out->kind = identity_kind::practitioner;
  out->roles.clear();
  out->thumbprint = c.thumbprint;
  out->expires = c.not_after;
  out->practitioner_identifier = practitioner_identifier(c);
  out->practitioner_name =
      joined(c.given_names) + (c.given_names.empty() ? "" : " ") + (c.surnames.empty() ? c.common_name : joined(c.surnames));
  std::vector<std::string> emails = c.subject_emails;
  add_unique(emails, c.alternative_emails);
  for (const auto& rule : config.practitioner_rules) {
    const bool by_email = std::ranges::any_of(rule.emails, [&](const auto& e) { return std::ranges::find(emails, e) != emails.end(); });
    if (!names_it(rule) && !by_email) continue;
    add_unique(out->roles, rule.roles);
    add_unique(out->practitioner_roles, rule.practitioner_roles);
  }
  return out;
}

// dsf-fhir-server 2.3: a person of the local organisation; without any role the login is refused.
std::optional<identity> person_with_token(const certificate_facts& c, const directory& allow_list, const identity_config& config) {
  const auto& t = *c.token;
  auto out = local_organization(allow_list, config);
  if (!out) return {};
  out->kind = identity_kind::practitioner;
  out->roles.clear();
  out->expires = c.not_after;
  out->practitioner_identifier = !t.email.empty() ? t.email : t.subject + "." + t.issuer_host + "@oidc.invalid";
  out->practitioner_name = t.given_name + (t.given_name.empty() || t.family_name.empty() ? "" : " ") + t.family_name;
  const auto share = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::ranges::any_of(a, [&](const auto& x) { return std::ranges::find(b, x) != b.end(); });
  };
  for (const auto& rule : config.practitioner_rules) {
    const bool by_email = !t.email.empty() && std::ranges::find(rule.emails, t.email) != rule.emails.end();
    if (!by_email && !share(rule.token_roles, t.roles) && !share(rule.token_groups, t.groups)) continue;
    add_unique(out->roles, rule.roles);
    add_unique(out->practitioner_roles, rule.practitioner_roles);
  }
  if (out->roles.empty()) return {};
  return out;
}

}  // namespace

std::string_view name_of(operation op) noexcept { return operation_names[static_cast<std::size_t>(op)]; }

std::optional<operation> operation_named(std::string_view name) noexcept {
  const auto at = std::ranges::find(operation_names, name);
  if (at == operation_names.end()) return {};
  return static_cast<operation>(at - operation_names.begin());
}

bool identity::may(operation op, std::string_view type) const {
  return std::ranges::any_of(
      roles, [&](const dsf_role& r) { return r.op == op && (r.types.empty() || std::ranges::find(r.types, type) != r.types.end()); });
}
bool identity::may_any(operation op) const {
  return std::ranges::any_of(roles, [&](const dsf_role& r) { return r.op == op; });
}
bool identity::has_practitioner_role(const code_in_system& role) const {
  return std::ranges::find(practitioner_roles, role) != practitioner_roles.end();
}
bool identity::is_admin() const { return is_practitioner() && has_practitioner_role({std::string(names::practitioner_role), "DSF_ADMIN"}); }

std::string identity::name() const {
  if (kind == identity_kind::initial_data_loader) return "initial.data.loader";
  return is_practitioner() ? organization_identifier + "/" + practitioner_identifier : organization_identifier;
}

std::optional<identity> local_organization(const directory& allow_list, const identity_config& config) {
  const auto* organization = allow_list.organization(config.organization_identifier);
  if (!organization || !organization->active) return {};
  identity out;
  out.local = true;
  out.organization_id = organization->id;
  out.organization_identifier = config.organization_identifier;
  out.endpoint_identifier = local_endpoint(allow_list, config);
  out.roles = all_roles();
  return out;
}

identity initial_data_loader(const identity_config& config) {
  identity out;
  out.kind = identity_kind::initial_data_loader;
  out.local = true;
  out.organization_identifier = config.organization_identifier;
  out.roles = {{operation::create, {}}, {operation::update, {}}, {operation::remove, {}}};
  return out;
}

// dsf-fhir-server 2.2, "Identity lookup by thumbprint"
std::optional<identity> resolve_identity(const certificate_facts& certificate, const directory& allow_list, const identity_config& config) {
  if (certificate.token) return person_with_token(certificate, allow_list, config);
  if (certificate.thumbprint.empty()) return {};
  const auto* organization = allow_list.active_by_thumbprint(certificate.thumbprint);
  if (!organization) return practitioner(certificate, allow_list, config);
  identity out;
  out.organization_id = organization->id;
  out.thumbprint = certificate.thumbprint;
  out.expires = certificate.not_after;
  out.local = std::ranges::find(organization->identifiers, config.organization_identifier) != organization->identifiers.end();
  if (out.local) {
    out.organization_identifier = config.organization_identifier;
    out.endpoint_identifier = local_endpoint(allow_list, config);
    out.roles = all_roles();
  } else {
    if (!organization->identifiers.empty()) out.organization_identifier = organization->identifiers.front();
    out.endpoint_identifier = remote_endpoint(certificate, *organization, allow_list);
    out.roles = remote_roles();
  }
  return out;
}

}  // namespace dsf::fhir
