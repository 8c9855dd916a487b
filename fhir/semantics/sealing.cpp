#include "fhir/semantics/sealing.hpp"

#include <algorithm>

namespace dsf::fhir {
namespace {

// Sorted. The allow-list, practitioners, and definitions: read at every request, and of no patient.
constexpr std::string_view plain_types[] = {
    "ActivityDefinition", "CodeSystem",       "Endpoint",      "HealthcareService",   "Library",
    "Location",           "Measure",          "NamingSystem",  "Organization",        "OrganizationAffiliation",
    "Practitioner",       "PractitionerRole", "Questionnaire", "StructureDefinition", "Subscription",
    "ValueSet",
};
static_assert(std::ranges::is_sorted(plain_types));

}  // namespace

bool may_carry_patient_data(std::string_view type, std::size_t body_bytes) noexcept {
  if (type == "Task") return body_bytes > plain_task_bytes;
  return !std::ranges::binary_search(plain_types, type);
}

}  // namespace dsf::fhir
