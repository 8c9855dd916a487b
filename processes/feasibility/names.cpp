#include "processes/feasibility/names.hpp"

#include "processes/task_values.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::json;

constexpr std::string_view read_access = "http://dsf.dev/fhir/CodeSystem/read-access-tag";
constexpr std::string_view organization_role = "http://dsf.dev/fhir/CodeSystem/organization-role";

json extended_tag(json extension, std::string_view code) {
  json tag = json::object{{"extension", json::array{std::move(extension)}}};
  tag.set("system", read_access);
  tag.set("code", code);
  return tag;
}

}  // namespace

json tag_local() { return coding(read_access, "LOCAL"); }

json tag_organization(std::string_view organization) {
  return extended_tag(json::object{{"url", "http://dsf.dev/fhir/StructureDefinition/extension-read-access-organization"},
                                   {"valueIdentifier", identifier(organization_sid, organization)}},
                      "ORGANIZATION");
}

json tag_role(std::string_view parent_organization, std::string_view role) {
  json::array parts{json::object{{"url", "parent-organization"}, {"valueIdentifier", identifier(organization_sid, parent_organization)}},
                    json::object{{"url", "organization-role"}, {"valueCoding", coding(organization_role, role)}}};
  return extended_tag(json::object{{"extension", std::move(parts)},
                                   {"url", "http://dsf.dev/fhir/StructureDefinition/extension-read-access-parent-organization-role"}},
                      "ROLE");
}

json meta_with_tags(json::array tags) { return json::object{{"tag", std::move(tags)}}; }

std::optional<std::uint64_t> initial_population(const json& report) {
  for (const auto& group : report["group"])
    for (const auto& population : group["population"])
      for (const auto& c : population["code"]["coding"])
        if (c["code"].str() == "initial-population" && c["system"].str() == measure_population)
          if (const auto count = population["count"].int_or(-1); count >= 0) return static_cast<std::uint64_t>(count);
  return std::nullopt;
}

}  // namespace dsf::processes::feasibility
