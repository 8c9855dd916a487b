// URLs and codes of the DSF that several rules use.
#pragma once

#include <array>
#include <string_view>

namespace dsf::fhir::names {

using namespace std::string_view_literals;

inline constexpr auto organization_sid = "http://dsf.dev/sid/organization-identifier"sv;
inline constexpr auto endpoint_sid = "http://dsf.dev/sid/endpoint-identifier"sv;
inline constexpr auto practitioner_sid = "http://dsf.dev/sid/practitioner-identifier"sv;
inline constexpr auto task_sid = "http://dsf.dev/sid/task-identifier"sv;

inline constexpr auto structure_definition_base = "http://dsf.dev/fhir/StructureDefinition/"sv;
inline constexpr auto read_access_tag = "http://dsf.dev/fhir/CodeSystem/read-access-tag"sv;
inline constexpr auto practitioner_role = "http://dsf.dev/fhir/CodeSystem/practitioner-role"sv;
inline constexpr auto process_authorization = "http://dsf.dev/fhir/CodeSystem/process-authorization"sv;
inline constexpr auto bpmn_message = "http://dsf.dev/fhir/CodeSystem/bpmn-message"sv;

inline constexpr auto ext_thumbprint = "http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint"sv;
inline constexpr auto ext_check_logical_reference = "http://dsf.dev/fhir/StructureDefinition/extension-check-logical-reference"sv;
inline constexpr auto ext_read_access_organization = "http://dsf.dev/fhir/StructureDefinition/extension-read-access-organization"sv;
inline constexpr auto ext_read_access_role = "http://dsf.dev/fhir/StructureDefinition/extension-read-access-parent-organization-role"sv;
inline constexpr auto ext_process_authorization = "http://dsf.dev/fhir/StructureDefinition/extension-process-authorization"sv;
inline constexpr auto ext_questionnaire_authorization = "http://dsf.dev/fhir/StructureDefinition/extension-questionnaire-authorization"sv;

// dsf-fhir-server 1.1, in alphabetical order
inline constexpr std::array served_types = {"ActivityDefinition"sv,
                                            "Binary"sv,
                                            "Bundle"sv,
                                            "CodeSystem"sv,
                                            "DocumentReference"sv,
                                            "Endpoint"sv,
                                            "Group"sv,
                                            "HealthcareService"sv,
                                            "Library"sv,
                                            "Location"sv,
                                            "Measure"sv,
                                            "MeasureReport"sv,
                                            "NamingSystem"sv,
                                            "Organization"sv,
                                            "OrganizationAffiliation"sv,
                                            "Patient"sv,
                                            "PractitionerRole"sv,
                                            "Practitioner"sv,
                                            "Provenance"sv,
                                            "Questionnaire"sv,
                                            "QuestionnaireResponse"sv,
                                            "ResearchStudy"sv,
                                            "StructureDefinition"sv,
                                            "Subscription"sv,
                                            "Task"sv,
                                            "ValueSet"sv};

constexpr bool is_served(std::string_view type) {
  for (const auto t : served_types)
    if (t == type) return true;
  return false;
}

}  // namespace dsf::fhir::names
