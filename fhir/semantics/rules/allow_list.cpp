// Allow-list resources (dsf-fhir-server 1.7.1): Endpoint, Organization, OrganizationAffiliation.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/rules/rule.hpp"
#include "fhir/semantics/search/index.hpp"

namespace dsf::fhir {
namespace {

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// https://[0-9a-zA-Z.-]+(?::\d{1,4})?[-\w/]*
bool is_endpoint_address(std::string_view text) {
  constexpr std::string_view scheme = "https://";
  if (!text.starts_with(scheme)) return false;
  text.remove_prefix(scheme.size());
  std::size_t host = 0;
  while (host < text.size() && (is_alnum(text[host]) || text[host] == '.' || text[host] == '-')) ++host;
  if (host == 0) return false;
  text.remove_prefix(host);
  if (text.starts_with(':')) {
    std::size_t digits = 0;
    while (digits + 1 < text.size() && text[digits + 1] >= '0' && text[digits + 1] <= '9') ++digits;
    // Ports of five digits match too: the tail [-\w/]* takes the fifth.
    if (digits == 0) return false;
    text.remove_prefix(1 + digits);
  }
  return std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '/'; });
}

std::optional<std::string> only_identifier(const base::json& resource, std::string_view system) {
  const auto count = std::ranges::count_if(resource["identifier"], [&](const auto& i) { return i["system"].str() == system; });
  const auto values = identifier_values(resource["identifier"], system);
  if (count != 1 || values.size() != 1 || is_blank(values[0])) return {};
  return values[0];
}

denial endpoint_new(const rule_scope&, const base::json& e) {
  if (!only_identifier(e, names::endpoint_sid))
    return fmt::format("Endpoint.identifier needs exactly one identifier of system {}", names::endpoint_sid);
  if (!is_endpoint_address(e["address"].str()))
    return fmt::format("Endpoint.address '{}' is not an https address without query", e["address"].str());
  return {};
}

void endpoint_keys(const base::json& e, const directory&, std::string_view, std::vector<unique_key>& out) {
  out.push_back({"Endpoint.address", e["address"].str()});
  for (auto& v : identifier_values(e["identifier"], names::endpoint_sid)) out.push_back({"Endpoint.identifier", std::move(v)});
}

denial endpoint_change(const rule_scope&, const base::json& before, const base::json& after) {
  if (before["address"].str() != after["address"].str())
    return fmt::format("Endpoint.address can't be changed from '{}' to '{}'", before["address"].str(), after["address"].str());
  if (only_identifier(before, names::endpoint_sid) != only_identifier(after, names::endpoint_sid))
    return "Endpoint.identifier can't be changed";
  return {};
}

bool is_thumbprint(std::string_view text) {
  return text.size() == 128 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

denial organization_new(const rule_scope&, const base::json& o) {
  if (!only_identifier(o, names::organization_sid))
    return fmt::format("Organization.identifier needs exactly one identifier of system {}", names::organization_sid);
  for (const auto* e : extensions(o, names::ext_thumbprint))
    if (!is_thumbprint((*e)["valueString"].str()))
      return "Organization.extension has a certificate thumbprint that is not 128 lower-case hex digits";
  return {};
}

void organization_keys(const base::json& o, const directory&, std::string_view, std::vector<unique_key>& out) {
  for (auto& v : identifier_values(o["identifier"], names::organization_sid)) out.push_back({"Organization.identifier", std::move(v)});
  for (const auto* e : extensions(o, names::ext_thumbprint)) out.push_back({"Organization.thumbprint", (*e)["valueString"].str()});
}

denial organization_change(const rule_scope&, const base::json& before, const base::json& after) {
  if (only_identifier(before, names::organization_sid) != only_identifier(after, names::organization_sid))
    return "Organization.identifier can't be changed";
  return {};
}

struct affiliation_parts {
  std::string parent, member, endpoint;
  bool operator==(const affiliation_parts&) const = default;
};

affiliation_parts parts_of(const base::json& a, const directory& allow_list, std::string_view base_url) {
  return {literal_of(a["organization"], &allow_list, base_url), literal_of(a["participatingOrganization"], &allow_list, base_url),
          literal_of(a["endpoint"][std::size_t{0}], &allow_list, base_url)};
}

denial affiliation_new(const rule_scope& scope, const base::json& a) {
  const auto p = parts_of(a, scope.allow_list, scope.config.base_url);
  // Inside a bundle the targets may be new; then the references are already literal.
  if (p.parent.empty()) return "OrganizationAffiliation.organization has no reference";
  if (p.member.empty()) return "OrganizationAffiliation.participatingOrganization has no reference";
  if (a["endpoint"].size() != 1 || p.endpoint.empty()) return "OrganizationAffiliation.endpoint needs exactly one reference";
  bool any = false;
  for (const auto& code : a["code"])
    for (const auto& c : code["coding"]) {
      if (c["system"].str().empty() || c["code"].str().empty()) return "OrganizationAffiliation.code has a coding without system or code";
      any = true;
    }
  if (!any) return "OrganizationAffiliation.code has no coding";
  return {};
}

void affiliation_keys(const base::json& a, const directory& allow_list, std::string_view base_url, std::vector<unique_key>& out) {
  const auto p = parts_of(a, allow_list, base_url);
  out.push_back({"OrganizationAffiliation.endpoint", p.parent + " " + p.member + " " + p.endpoint});
  for (const auto& code : a["code"])
    for (const auto& c : code["coding"])
      out.push_back({"OrganizationAffiliation.role", p.parent + " " + p.member + " " + c["system"].str() + "|" + c["code"].str()});
}

denial affiliation_change(const rule_scope& scope, const base::json& before, const base::json& after) {
  if (parts_of(before, scope.allow_list, scope.config.base_url) != parts_of(after, scope.allow_list, scope.config.base_url))
    return "OrganizationAffiliation.organization, participatingOrganization and endpoint can't be changed";
  return {};
}

constexpr std::array<type_rule, 3> rules = {{
    {"Endpoint", endpoint_new, endpoint_keys, endpoint_change},
    {"Organization", organization_new, organization_keys, organization_change},
    {"OrganizationAffiliation", affiliation_new, affiliation_keys, affiliation_change},
}};

}  // namespace

const type_rule* allow_list_rule(std::string_view type) {
  const auto found = std::ranges::find(rules, type, &type_rule::type);
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace dsf::fhir
