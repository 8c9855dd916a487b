#include "fhir/semantics/references/table.hpp"

#include <algorithm>
#include <array>

namespace dsf::fhir {
namespace {

using e = checked_element;
constexpr auto persons = "Patient Practitioner PractitionerRole RelatedPerson";
constexpr e artifact = {"relatedArtifact.url", {}, true};

constexpr std::array activity_definition = {e{"subjectReference", "Group"},
                                            e{"location", "Location"},
                                            e{"productReference", "Medication Substance"},
                                            e{"specimenRequirement", "SpecimenDefinition"},
                                            e{"observationRequirement", "ObservationDefinition"},
                                            e{"observationResultRequirement", "ObservationDefinition"},
                                            artifact};
constexpr std::array binary = {e{"securityContext"}};
constexpr std::array document_reference = {e{"subject", "Patient Practitioner Group Device"},
                                           e{"author", "Practitioner PractitionerRole Organization Device Patient RelatedPerson"},
                                           e{"authenticator", "Practitioner PractitionerRole Organization"},
                                           e{"custodian", "Organization"},
                                           e{"relatesTo.target", "DocumentReference"},
                                           e{"context.encounter", "Encounter EpisodeOfCare"},
                                           e{"context.sourcePatientInfo", "Patient"},
                                           e{"context.related"},
                                           e{"content.attachment.url", {}, true}};
constexpr std::array endpoint = {e{"managingOrganization", "Organization"}};
constexpr std::array group = {e{"managingEntity", "Organization RelatedPerson Practitioner PractitionerRole"},
                              e{"member.entity", "Patient Practitioner PractitionerRole Device Medication Substance Group"}};
constexpr std::array healthcare_service = {e{"providedBy", "Organization"}, e{"location", "Location"}, e{"coverageArea", "Location"},
                                           e{"endpoint", "Endpoint"}};
constexpr std::array library = {e{"subjectReference", "Group"}, artifact, e{"content.url", {}, true}};
constexpr std::array location = {e{"managingOrganization", "Organization"}, e{"partOf", "Location"}, e{"endpoint", "Endpoint"}};
constexpr std::array measure = {e{"subjectReference", "Group"}, artifact};
constexpr std::array measure_report = {e{"subject", "Patient Practitioner PractitionerRole Location Device RelatedPerson Group"},
                                       e{"reporter", "Practitioner PractitionerRole Location Organization"}, e{"evaluatedResource"},
                                       e{"group.population.subjectResults", "List"},
                                       e{"group.stratifier.stratum.population.subjectResults", "List"}};
constexpr std::array organization = {e{"partOf", "Organization"}, e{"endpoint", "Endpoint"}};
constexpr std::array organization_affiliation = {
    e{"organization", "Organization"}, e{"participatingOrganization", "Organization"}, e{"network", "Organization"},
    e{"location", "Location"},         e{"healthcareService", "HealthcareService"},    e{"endpoint", "Endpoint"}};
constexpr std::array patient = {e{"contact.organization", "Organization"},
                                e{"generalPractitioner", "Organization Practitioner PractitionerRole"},
                                e{"managingOrganization", "Organization"}, e{"link.other", "Patient RelatedPerson"}};
constexpr std::array practitioner = {e{"qualification.issuer", "Organization"}};
constexpr std::array practitioner_role = {e{"practitioner", "Practitioner"}, e{"organization", "Organization"}, e{"location", "Location"},
                                          e{"healthcareService", "HealthcareService"}, e{"endpoint", "Endpoint"}};
constexpr auto agents = "Practitioner PractitionerRole RelatedPerson Patient Device Organization";
constexpr std::array provenance = {e{"target"}, e{"location", "Location"}, e{"agent.who", agents}, e{"agent.onBehalfOf", agents},
                                   e{"entity.what"}};
constexpr std::array questionnaire = {e{"item.enableWhen.answerReference"}, e{"item.answerOption.valueReference"},
                                      e{"item.initial.valueReference"}};
constexpr std::array questionnaire_response = {e{"author", "Device Organization Patient Practitioner PractitionerRole RelatedPerson"},
                                               e{"basedOn", "CarePlan ServiceRequest"},
                                               e{"encounter", "Encounter"},
                                               e{"partOf", "Observation Procedure"},
                                               e{"source", persons},
                                               e{"subject"}};
constexpr std::array research_study = {e{"protocol", "PlanDefinition"},
                                       e{"partOf", "ResearchStudy"},
                                       e{"enrollment", "Group"},
                                       e{"sponsor", "Organization"},
                                       e{"principalInvestigator", "Practitioner PractitionerRole"},
                                       e{"site", "Location"},
                                       artifact};
constexpr std::array task = {
    e{"basedOn"},
    e{"encounter", "Encounter"},
    e{"focus"},
    e{"for"},
    e{"insurance", "Coverage ClaimResponse"},
    e{"location", "Location"},
    e{"owner", "Practitioner PractitionerRole Organization CareTeam HealthcareService Patient Device RelatedPerson"},
    e{"partOf", "Task"},
    e{"reasonReference"},
    e{"relevantHistory", "Provenance"},
    e{"requester", "Device Organization Patient Practitioner PractitionerRole RelatedPerson"},
    e{"restriction.recipient", "Patient Practitioner PractitionerRole RelatedPerson Group Organization"},
    e{"input.valueReference"},
    e{"output.valueReference"}};

struct row {
  std::string_view type;
  std::span<const e> elements;
};
constexpr std::array<row, 20> table = {{{"ActivityDefinition", activity_definition},
                                        {"Binary", binary},
                                        {"DocumentReference", document_reference},
                                        {"Endpoint", endpoint},
                                        {"Group", group},
                                        {"HealthcareService", healthcare_service},
                                        {"Library", library},
                                        {"Location", location},
                                        {"Measure", measure},
                                        {"MeasureReport", measure_report},
                                        {"Organization", organization},
                                        {"OrganizationAffiliation", organization_affiliation},
                                        {"Patient", patient},
                                        {"Practitioner", practitioner},
                                        {"PractitionerRole", practitioner_role},
                                        {"Provenance", provenance},
                                        {"Questionnaire", questionnaire},
                                        {"QuestionnaireResponse", questionnaire_response},
                                        {"ResearchStudy", research_study},
                                        {"Task", task}}};

}  // namespace

std::span<const checked_element> checked_elements(std::string_view type) {
  const auto found = std::ranges::find(table, type, &row::type);
  return found == table.end() ? std::span<const e>{} : found->elements;
}

}  // namespace dsf::fhir
