// HL7 FHIR R4 search parameters of the types that clinical repositories of the MII core data set hold, and the MII's own.
#include <algorithm>
#include <array>

#include "privacy/search_parameters.hpp"

namespace dsf::privacy {
namespace {

using enum parameter_kind;

// Sorted by type (parameters_of relies on it). The order within a type is the order of an index's columns: append, and raise the
// version of the stored index (clinical_index_store.cpp) when it changes.
constexpr auto table = std::to_array<search_parameter>({
    {"AllergyIntolerance", "code", token, "code|reaction.substance"},
    {"AllergyIntolerance", "clinical-status", token, "clinicalStatus"},
    {"AllergyIntolerance", "verification-status", token, "verificationStatus"},
    {"AllergyIntolerance", "category", code, "category"},
    {"AllergyIntolerance", "criticality", code, "criticality"},
    {"AllergyIntolerance", "date", date, "recordedDate"},
    {"AllergyIntolerance", "onset", date, "onsetDateTime|onsetPeriod"},

    {"Condition", "code", token, "code"},
    {"Condition", "recorded-date", date, "recordedDate"},
    {"Condition", "onset-date", date, "onsetDateTime|onsetPeriod"},
    {"Condition", "clinical-status", token, "clinicalStatus"},
    {"Condition", "verification-status", token, "verificationStatus"},
    {"Condition", "category", token, "category"},
    {"Condition", "severity", token, "severity"},
    {"Condition", "body-site", token, "bodySite"},
    {"Condition", "stage", token, "stage.summary"},
    {"Condition", "evidence", token, "evidence.code"},
    {"Condition", "encounter", reference, "encounter"},

    {"Consent", "mii-provision-provision-code", token, "provision.provision.code"},
    {"Consent", "mii-provision-provision-type", code, "provision.provision.type"},
    {"Consent", "mii-provision-provision-code-type", composite_token, "provision.provision", "code", "type", true},
    {"Consent", "date", date, "dateTime"},
    {"Consent", "status", code, "status"},
    {"Consent", "category", token, "category"},
    {"Consent", "scope", token, "scope"},

    {"DiagnosticReport", "code", token, "code"},
    {"DiagnosticReport", "category", token, "category"},
    {"DiagnosticReport", "conclusion", token, "conclusionCode"},
    {"DiagnosticReport", "date", date, "effectiveDateTime|effectivePeriod"},
    {"DiagnosticReport", "status", code, "status"},
    {"DiagnosticReport", "result", reference, "result"},
    {"DiagnosticReport", "specimen", reference, "specimen"},
    {"DiagnosticReport", "encounter", reference, "encounter"},

    {"Encounter", "class", token, "class"},
    {"Encounter", "type", token, "type"},
    {"Encounter", "date", date, "period"},
    {"Encounter", "status", code, "status"},
    {"Encounter", "service-type", token, "serviceType"},
    {"Encounter", "diagnosis", reference, "diagnosis.condition"},

    {"FamilyMemberHistory", "code", token, "condition.code"},
    {"FamilyMemberHistory", "relationship", token, "relationship"},
    {"FamilyMemberHistory", "date", date, "date"},
    {"FamilyMemberHistory", "status", code, "status"},

    {"ImagingStudy", "modality", token, "modality|series.modality"},
    {"ImagingStudy", "bodysite", token, "series.bodySite"},
    {"ImagingStudy", "reason", token, "reasonCode"},
    {"ImagingStudy", "started", date, "started"},
    {"ImagingStudy", "status", code, "status"},

    {"Immunization", "vaccine-code", token, "vaccineCode"},
    {"Immunization", "date", date, "occurrenceDateTime"},
    {"Immunization", "status", code, "status"},

    {"Medication", "code", token, "code"},
    {"Medication", "ingredient-code", token, "ingredient.itemCodeableConcept"},
    {"Medication", "form", token, "form"},
    {"Medication", "status", code, "status"},

    {"MedicationAdministration", "code", token, "medicationCodeableConcept"},
    {"MedicationAdministration", "medication", reference, "medicationReference"},
    {"MedicationAdministration", "effective-time", date, "effectiveDateTime|effectivePeriod"},
    {"MedicationAdministration", "status", code, "status"},

    {"MedicationRequest", "code", token, "medicationCodeableConcept"},
    {"MedicationRequest", "medication", reference, "medicationReference"},
    {"MedicationRequest", "authoredon", date, "authoredOn"},
    {"MedicationRequest", "intent", code, "intent"},
    {"MedicationRequest", "status", code, "status"},

    {"MedicationStatement", "code", token, "medicationCodeableConcept"},
    {"MedicationStatement", "medication", reference, "medicationReference"},
    {"MedicationStatement", "effective", date, "effectiveDateTime|effectivePeriod"},
    {"MedicationStatement", "status", code, "status"},

    {"Observation", "code", token, "code"},
    {"Observation", "value-quantity", quantity, "valueQuantity"},
    {"Observation", "value-concept", token, "valueCodeableConcept"},
    {"Observation", "value-date", date, "valueDateTime|valuePeriod"},
    {"Observation", "date", date, "effectiveDateTime|effectivePeriod|effectiveInstant"},
    {"Observation", "status", code, "status"},
    {"Observation", "category", token, "category"},
    {"Observation", "method", token, "method"},
    {"Observation", "interpretation", token, "interpretation"},
    {"Observation", "body-site", token, "bodySite"},
    {"Observation", "data-absent-reason", token, "dataAbsentReason"},
    {"Observation", "specimen", reference, "specimen"},
    {"Observation", "encounter", reference, "encounter"},
    {"Observation", "component-code", token, "component.code"},
    {"Observation", "component-value-quantity", quantity, "component.valueQuantity"},
    {"Observation", "component-value-concept", token, "component.valueCodeableConcept"},
    {"Observation", "component-code-value-quantity", composite_quantity, "component", "code", "valueQuantity"},
    {"Observation", "component-code-value-concept", composite_token, "component", "code", "valueCodeableConcept"},

    {"Patient", "gender", code, "gender"},
    {"Patient", "birthdate", date, "birthDate"},
    {"Patient", "death-date", date, "deceasedDateTime"},
    {"Patient", "deceased", code, "deceasedBoolean"},
    {"Patient", "active", code, "active"},
    {"Patient", "identifier", token, "identifier"},

    {"Procedure", "code", token, "code"},
    {"Procedure", "date", date, "performedDateTime|performedPeriod"},
    {"Procedure", "category", token, "category"},
    {"Procedure", "status", code, "status"},
    {"Procedure", "body-site", token, "bodySite"},
    {"Procedure", "outcome", token, "outcome"},
    {"Procedure", "reason-reference", reference, "reasonReference"},
    {"Procedure", "encounter", reference, "encounter"},

    {"ResearchSubject", "status", code, "status"},
    {"ResearchSubject", "date", date, "period"},

    {"ServiceRequest", "code", token, "code"},
    {"ServiceRequest", "category", token, "category"},
    {"ServiceRequest", "authored", date, "authoredOn"},
    {"ServiceRequest", "status", code, "status"},

    {"Specimen", "type", token, "type"},
    {"Specimen", "collected", date, "collection.collectedDateTime|collection.collectedPeriod"},
    {"Specimen", "bodysite", token, "collection.bodySite"},
    {"Specimen", "status", code, "status"},
    {"Specimen", "diagnosis", reference,
     "extension(https://www.medizininformatik-initiative.de/fhir/ext/modul-biobank/StructureDefinition/Diagnose).valueReference"},
});

static_assert(std::ranges::is_sorted(table, {}, &search_parameter::type));

}  // namespace

std::span<const search_parameter> parameters_of(std::string_view type) {
  const auto range = std::ranges::equal_range(table, type, {}, &search_parameter::type);
  return {range.begin(), range.end()};
}

const search_parameter* find_parameter(std::string_view type, std::string_view name) {
  for (const auto& p : parameters_of(type))
    if (p.name == name) return &p;
  return nullptr;
}

}  // namespace dsf::privacy
