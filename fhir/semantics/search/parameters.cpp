#include "fhir/semantics/search/parameters.hpp"

#include <algorithm>
#include <array>

namespace dsf::fhir {
namespace {

using p = search_parameter;
using k = parameter_kind;
using namespace std::string_view_literals;

#define DSF_CONFORMANCE_PARAMETERS(common, own)                                                                                           \
  p{"date", k::date, "date", common "-date"}, p{"identifier", k::token, "identifier", common "-identifier"},                              \
      p{"name", k::string, "name", common "-name"}, p{"status", k::status, "status", own "-status"}, p{"url", k::uri, "url", own "-url"}, \
      p{"version", k::code, "version", own "-version"}

constexpr std::array activity_definition = {p{"date", k::date, "date", "ActivityDefinition-date"},
                                            p{"identifier", k::token, "identifier", "ActivityDefinition-identifier", {}, false, false},
                                            p{"name", k::string, "name", "ActivityDefinition-name"},
                                            p{"status", k::status, "status", "ActivityDefinition-status"},
                                            p{"url", k::uri, "url", "ActivityDefinition-url"},
                                            p{"version", k::code, "version", "ActivityDefinition-version"}};
constexpr std::array binary = {p{"contentType", k::code, "contentType", "Binary-contentType"}};
constexpr std::array bundle = {p{"identifier", k::token, "identifier", "Bundle-identifier"}};
constexpr std::array code_system = {DSF_CONFORMANCE_PARAMETERS("conformance", "CodeSystem")};
constexpr std::array document_reference = {p{"identifier", k::token, "identifier masterIdentifier", "clinical-identifier"}};
constexpr std::array endpoint = {p{"address", k::uri, "address", "Endpoint-address"},
                                 p{"identifier", k::token, "identifier", "Endpoint-identifier"},
                                 p{"name", k::string, "name", "Endpoint-name"},
                                 p{"organization", k::reference, "managingOrganization", "Endpoint-organization", "Organization"},
                                 p{"status", k::status, "status", "Endpoint-status"}};
constexpr std::array group = {p{"identifier", k::token, "identifier", "Group-identifier"}};
constexpr std::array healthcare_service = {p{"active", k::boolean, "active", "HealthcareService-active"},
                                           p{"identifier", k::token, "identifier", "HealthcareService-identifier"},
                                           p{"name", k::string, "name", "HealthcareService-name"}};
constexpr std::array library = {DSF_CONFORMANCE_PARAMETERS("Library", "Library")};
constexpr std::array location = {p{"identifier", k::token, "identifier", "Location-identifier"},
                                 p{"name", k::string, "name alias", "Location-name"}};
constexpr std::array measure = {p{"date", k::date, "date", "Measure-date"},
                                p{"depends-on", k::reference, "library", "Measure-depends-on", "Library"},
                                p{"identifier", k::token, "identifier", "Measure-identifier"},
                                p{"name", k::string, "name", "Measure-name"},
                                p{"status", k::status, "status", "Measure-status"},
                                p{"url", k::uri, "url", "Measure-url"},
                                p{"version", k::code, "version", "Measure-version"}};
constexpr std::array measure_report = {p{"identifier", k::token, "identifier", "MeasureReport-identifier"}};
constexpr std::array naming_system = {p{"date", k::date, "date", "conformance-date"}, p{"name", k::string, "name", "conformance-name"},
                                      p{"status", k::status, "status", "NamingSystem-status"}};
constexpr std::array organization = {
    p{"active", k::boolean, "active", "Organization-active"}, p{"endpoint", k::reference, "endpoint", "Organization-endpoint", "Endpoint"},
    p{"identifier", k::token, "identifier", "Organization-identifier"}, p{"name", k::string, "name alias", "Organization-name"},
    p{"type", k::token, "type.coding", "Organization-type"}};
constexpr std::array organization_affiliation = {
    p{"active", k::boolean, "active", "OrganizationAffiliation-active"},
    p{"endpoint", k::reference, "endpoint", "OrganizationAffiliation-endpoint", "Endpoint"},
    p{"identifier", k::token, "identifier", "OrganizationAffiliation-identifier"},
    p{"participating-organization", k::reference, "participatingOrganization", "OrganizationAffiliation-participating-organization",
      "Organization"},
    p{"primary-organization", k::reference, "organization", "OrganizationAffiliation-primary-organization", "Organization"},
    p{"role", k::token, "code.coding", "OrganizationAffiliation-role"}};
constexpr std::array patient = {p{"active", k::boolean, "active", "Patient-active"},
                                p{"identifier", k::token, "identifier", "Patient-identifier"}};
constexpr std::array practitioner = {p{"active", k::boolean, "active", "Practitioner-active"},
                                     p{"identifier", k::token, "identifier", "Practitioner-identifier"}};
constexpr std::array practitioner_role = {p{"active", k::boolean, "active", "PractitionerRole-active"},
                                          p{"identifier", k::token, "identifier", "PractitionerRole-identifier"},
                                          p{"organization", k::reference, "organization", "PractitionerRole-organization", "Organization"},
                                          p{"practitioner", k::reference, "practitioner", "PractitionerRole-practitioner", "Practitioner"}};
constexpr std::array questionnaire = {DSF_CONFORMANCE_PARAMETERS("Questionnaire", "Questionnaire")};
constexpr std::array questionnaire_response = {
    p{"author", k::reference, "author", "QuestionnaireResponse-author", "Practitioner Organization Patient PractitionerRole", true},
    p{"authored", k::date, "authored", "QuestionnaireRespone-authored"},  // sic, dsf-fhir-server 1.4
    p{"identifier", k::token, "identifier", "QuestionnaireResponse-identifier"},
    p{"questionnaire", k::prefix_uri, "questionnaire", "QuestionnaireResponse-questionnaire", "Questionnaire"},
    p{"status", k::status, "status", "QuestionnaireResponse-status"},
    p{"subject", k::reference, "subject", "QuestionnaireResponse-subject", "Organization Practitioner PractitionerRole", true}};
constexpr std::array research_study = {
    p{"enrollment", k::reference, "enrollment", "http://dsf.dev/fhir/SearchParameter/ResearchStudy-enrollment", "Group"},
    p{"identifier", k::token, "identifier", "ResearchStudy-identifier"},
    p{"principalinvestigator", k::reference, "principalInvestigator", "ResearchStudy-principalinvestigator",
      "Practitioner PractitionerRole", true}};
constexpr std::array structure_definition = {DSF_CONFORMANCE_PARAMETERS("conformance", "StructureDefinition")};
constexpr std::array subscription = {
    p{"criteria", k::string, "criteria", "Subscription-criteria"}, p{"payload", k::code, "channel.payload", "Subscription-payload"},
    p{"status", k::status, "status", "Subscription-status"}, p{"type", k::status, "channel.type", "Subscription-type"}};
constexpr std::array task = {
    p{"authored-on", k::date, "authoredOn", "Task-authored-on"}, p{"identifier", k::token, "identifier", "Task-identifier"},
    p{"modified", k::date, "lastModified", "Task-modified"},
    p{"requester", k::reference, "requester", "Task-requester", "Practitioner Organization Patient PractitionerRole", true},
    p{"status", k::status, "status", "Task-status"}};
constexpr std::array value_set = {DSF_CONFORMANCE_PARAMETERS("conformance", "ValueSet")};

#undef DSF_CONFORMANCE_PARAMETERS

struct row {
  std::string_view type;
  std::span<const p> parameters;
};
constexpr std::array<row, 25> table = {{{"ActivityDefinition", activity_definition},
                                        {"Binary", binary},
                                        {"Bundle", bundle},
                                        {"CodeSystem", code_system},
                                        {"DocumentReference", document_reference},
                                        {"Endpoint", endpoint},
                                        {"Group", group},
                                        {"HealthcareService", healthcare_service},
                                        {"Library", library},
                                        {"Location", location},
                                        {"Measure", measure},
                                        {"MeasureReport", measure_report},
                                        {"NamingSystem", naming_system},
                                        {"Organization", organization},
                                        {"OrganizationAffiliation", organization_affiliation},
                                        {"Patient", patient},
                                        {"Practitioner", practitioner},
                                        {"PractitionerRole", practitioner_role},
                                        {"Questionnaire", questionnaire},
                                        {"QuestionnaireResponse", questionnaire_response},
                                        {"ResearchStudy", research_study},
                                        {"StructureDefinition", structure_definition},
                                        {"Subscription", subscription},
                                        {"Task", task},
                                        {"ValueSet", value_set}}};

constexpr std::array endpoint_reverse = {reverse_include{"Organization", "endpoint"}};
constexpr std::array group_reverse = {reverse_include{"ResearchStudy", "enrollment"}};
constexpr std::array organization_reverse = {reverse_include{"Endpoint", "organization"},
                                             reverse_include{"OrganizationAffiliation", "participating-organization"},
                                             reverse_include{"OrganizationAffiliation", "primary-organization"}};

constexpr std::array publication = {"draft"sv, "active"sv, "retired"sv, "unknown"sv};
constexpr std::array endpoint_status = {"active"sv, "suspended"sv, "error"sv, "off"sv, "entered-in-error"sv, "test"sv};
constexpr std::array response_status = {"in-progress"sv, "completed"sv, "amended"sv, "entered-in-error"sv, "stopped"sv};
constexpr std::array task_status = {"draft"sv,     "requested"sv,   "received"sv, "accepted"sv, "rejected"sv,  "ready"sv,
                                    "cancelled"sv, "in-progress"sv, "on-hold"sv,  "failed"sv,   "completed"sv, "entered-in-error"sv};
// Status and channel type of a Subscription share the kind; both sets are accepted for either.
constexpr std::array subscription_codes = {"requested"sv, "active"sv, "error"sv, "off"sv,    "rest-hook"sv,
                                           "websocket"sv, "email"sv,  "sms"sv,   "message"sv};

}  // namespace

std::span<const search_parameter> parameters_of(std::string_view type) {
  const auto found = std::ranges::find(table, type, &row::type);
  return found == table.end() ? std::span<const p>{} : found->parameters;
}

const search_parameter* parameter_of(std::string_view type, std::string_view name) {
  for (const auto& one : parameters_of(type))
    if (one.name == name) return &one;
  return nullptr;
}

std::span<const reverse_include> reverse_includes_of(std::string_view type) {
  if (type == "Endpoint") return endpoint_reverse;
  if (type == "Group") return group_reverse;
  if (type == "Organization") return organization_reverse;
  return {};
}

std::span<const std::string_view> statuses_of(std::string_view type) {
  if (type == "Task") return task_status;
  if (type == "Endpoint") return endpoint_status;
  if (type == "QuestionnaireResponse") return response_status;
  if (type == "Subscription") return subscription_codes;
  return publication;
}

std::string_view search_type(parameter_kind kind) {
  switch (kind) {
    case k::token:
    case k::code:
    case k::status:
    case k::boolean: return "token";
    case k::string: return "string";
    case k::uri:
    case k::canonical: return "uri";
    case k::date: return "date";
    case k::reference:
    case k::prefix_uri: return "reference";
  }
  return "token";
}

std::vector<const base::json*> elements_at(const base::json& resource, std::string_view paths) {
  std::vector<const base::json*> out;
  while (!paths.empty()) {
    const auto blank = paths.find(' ');
    auto path = paths.substr(0, blank);
    paths = blank == paths.npos ? std::string_view{} : paths.substr(blank + 1);
    std::vector<const base::json*> level{&resource};
    while (!path.empty()) {
      const auto dot = path.find('.');
      const auto name = path.substr(0, dot);
      path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
      std::vector<const base::json*> next;
      for (const auto* e : level) {
        const auto* child = e->find(name);
        if (!child) continue;
        if (!child->is_array()) next.push_back(child);
        for (const auto& item : *child) next.push_back(&item);
      }
      level = std::move(next);
    }
    out.insert(out.end(), level.begin(), level.end());
  }
  return out;
}

}  // namespace dsf::fhir
