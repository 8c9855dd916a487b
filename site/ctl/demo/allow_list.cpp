#include "site/ctl/demo/allow_list.hpp"

namespace dsf::site::ctl {
namespace {

using base::json;

const std::string organization_sid = "http://dsf.dev/sid/organization-identifier";
const std::string endpoint_sid = "http://dsf.dev/sid/endpoint-identifier";
const std::string profiles = "http://dsf.dev/fhir/StructureDefinition/";

json meta(const std::string& profile) {
  return json::object{{"profile", json::array{profiles + profile}},
                      {"tag", json::array{json::object{{"system", "http://dsf.dev/fhir/CodeSystem/read-access-tag"}, {"code", "ALL"}}}}};
}

json identifiers(const std::string& system, const std::string& value) {
  return json::array{json::object{{"system", system}, {"value", value}}};
}
json reference(const std::string& full_url) { return json::object{{"reference", full_url}}; }
json concept_of(const std::string& system, const std::string& code) {
  return json::object{{"coding", json::array{json::object{{"system", system}, {"code", code}}}}};
}

json entry(const std::string& full_url, json resource, const std::string& query) {
  return json::object{
      {"fullUrl", full_url}, {"resource", std::move(resource)}, {"request", json::object{{"method", "PUT"}, {"url", query}}}};
}

// Entries refer to each other inside the bundle only, so any UUIDs do.
std::string full_url(unsigned kind, std::size_t n) {
  std::string number = std::to_string(n);
  return "urn:uuid:00000000-0000-4000-8000-" + std::to_string(kind) + std::string(11 - number.size(), '0') + number;
}

}  // namespace

json allow_list_bundle(const std::string& parent_organization, std::span<const allow_list_member> members) {
  const auto parent_url = full_url(1, 0);
  json::array entries;
  entries.push_back(entry(parent_url,
                          json::object{{"resourceType", "Organization"},
                                       {"meta", meta("organization-parent")},
                                       {"identifier", identifiers(organization_sid, parent_organization)},
                                       {"active", true},
                                       {"name", parent_organization}},
                          "Organization?identifier=" + organization_sid + "|" + parent_organization));
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& m = members[i];
    const auto organization = full_url(1, i + 1), endpoint = full_url(2, i + 1);
    entries.push_back(entry(organization,
                            json::object{{"resourceType", "Organization"},
                                         {"meta", meta("organization")},
                                         {"extension", json::array{json::object{{"url", profiles + "extension-certificate-thumbprint"},
                                                                                {"valueString", m.thumbprint}}}},
                                         {"identifier", identifiers(organization_sid, m.organization)},
                                         {"active", true},
                                         {"name", m.name},
                                         {"endpoint", json::array{reference(endpoint)}}},
                            "Organization?identifier=" + organization_sid + "|" + m.organization));
    entries.push_back(
        entry(endpoint,
              json::object{{"resourceType", "Endpoint"},
                           {"meta", meta("endpoint")},
                           {"identifier", identifiers(endpoint_sid, m.endpoint)},
                           {"status", "active"},
                           {"connectionType", json::object{{"system", "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"},
                                                           {"code", "hl7-fhir-rest"}}},
                           {"name", m.name},
                           {"managingOrganization", reference(organization)},
                           {"payloadType", json::array{concept_of("http://hl7.org/fhir/resource-types", "Task")}},
                           {"payloadMimeType", json::array{"application/fhir+json", "application/fhir+xml"}},
                           {"address", m.address}},
              "Endpoint?identifier=" + endpoint_sid + "|" + m.endpoint));
    entries.push_back(entry(full_url(3, i + 1),
                            json::object{{"resourceType", "OrganizationAffiliation"},
                                         {"meta", meta("organization-affiliation")},
                                         {"active", true},
                                         {"organization", reference(parent_url)},
                                         {"participatingOrganization", reference(organization)},
                                         {"code", json::array{concept_of("http://dsf.dev/fhir/CodeSystem/organization-role", m.role)}},
                                         {"endpoint", json::array{reference(endpoint)}}},
                            "OrganizationAffiliation?primary-organization:identifier=" + organization_sid + "|" + parent_organization +
                                "&participating-organization:identifier=" + organization_sid + "|" + m.organization));
  }
  return json::object{{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", std::move(entries)}};
}

}  // namespace dsf::site::ctl
