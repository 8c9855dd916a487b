// Conformance resources (dsf-fhir-server 1.7.1): ActivityDefinition, CodeSystem, NamingSystem, StructureDefinition, ValueSet.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "fhir/semantics/element.hpp"
#include "fhir/semantics/rules/rule.hpp"

namespace dsf::fhir {
namespace {

denial need(const base::json& resource, std::initializer_list<std::string_view> members) {
  for (const auto m : members)
    if (is_blank(resource[m].str())) return fmt::format("{}.{} is missing", resource["resourceType"].str(), m);
  return {};
}

denial bad_status(const base::json& resource) {
  const auto& status = resource["status"].str();
  if (status == "draft" || status == "active" || status == "retired") return {};
  return fmt::format("{}.status is '{}', not draft, active or retired", resource["resourceType"].str(), status);
}

denial canonical_new(const rule_scope&, const base::json& resource) {
  if (auto d = bad_status(resource)) return d;
  if (auto d = need(resource, {"url", "version"})) return d;
  if (resource["resourceType"].str() == "StructureDefinition") return need(resource, {"baseDefinition"});
  return {};
}

denial activity_definition_new(const rule_scope& scope, const base::json& resource) {
  if (auto d = canonical_new(scope, resource)) return d;
  if (!parse_process_authorizations(resource))
    return "ActivityDefinition.extension has no valid process-authorization, a malformed one, or one message-name twice";
  return {};
}

void canonical_keys(const base::json& resource, const directory&, std::string_view, std::vector<unique_key>& out) {
  out.push_back({resource["resourceType"].str() + ".canonical", resource["url"].str() + "|" + resource["version"].str()});
}

denial canonical_change(const rule_scope&, const base::json& before, const base::json& after) {
  for (const auto m : {"url", "version"})
    if (before[m].str() != after[m].str())
      return fmt::format("{}.{} can't be changed from '{}' to '{}'", after["resourceType"].str(), m, before[m].str(), after[m].str());
  return {};
}

denial naming_system_new(const rule_scope&, const base::json& resource) {
  if (auto d = need(resource, {"status", "name"})) return d;
  std::set<std::string> seen;
  for (const auto& id : resource["uniqueId"])
    if (id["type"].str() == "uri" && !seen.insert(id["value"].str()).second)
      return fmt::format("NamingSystem.uniqueId has '{}' twice", id["value"].str());
  return {};
}

// dsf-fhir-server 11.2, 18: the reference checks type uri in one place and other in another; both are unique here.
void naming_system_keys(const base::json& resource, const directory&, std::string_view, std::vector<unique_key>& out) {
  out.push_back({"NamingSystem.name", resource["name"].str()});
  for (const auto& id : resource["uniqueId"])
    if (const auto& type = id["type"].str(); type == "uri" || type == "other") out.push_back({"NamingSystem.uniqueId", id["value"].str()});
}

denial naming_system_change(const rule_scope&, const base::json& before, const base::json& after) {
  if (before["name"].str() != after["name"].str())
    return fmt::format("NamingSystem.name can't be changed from '{}' to '{}'", before["name"].str(), after["name"].str());
  return {};
}

constexpr std::array<type_rule, 5> rules = {{
    {"ActivityDefinition", activity_definition_new, canonical_keys, canonical_change},
    {"CodeSystem", canonical_new, canonical_keys, canonical_change},
    {"StructureDefinition", canonical_new, canonical_keys, canonical_change},
    {"ValueSet", canonical_new, canonical_keys, canonical_change},
    {"NamingSystem", naming_system_new, naming_system_keys, naming_system_change},
}};

}  // namespace

const type_rule* canonical_rule(std::string_view type) {
  const auto found = std::ranges::find(rules, type, &type_rule::type);
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace dsf::fhir
