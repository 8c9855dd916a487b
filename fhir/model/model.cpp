#include "fhir/model/model.hpp"

#include <algorithm>
#include <array>

#include "fhir/model/tables.hpp"

namespace dsf::fhir {
namespace {

// dsf-fhir-server 1.1
constexpr std::array<std::string_view, 26> served{"ActivityDefinition",
                                                  "Binary",
                                                  "Bundle",
                                                  "CodeSystem",
                                                  "DocumentReference",
                                                  "Endpoint",
                                                  "Group",
                                                  "HealthcareService",
                                                  "Library",
                                                  "Location",
                                                  "Measure",
                                                  "MeasureReport",
                                                  "NamingSystem",
                                                  "Organization",
                                                  "OrganizationAffiliation",
                                                  "Patient",
                                                  "Practitioner",
                                                  "PractitionerRole",
                                                  "Provenance",
                                                  "Questionnaire",
                                                  "QuestionnaireResponse",
                                                  "ResearchStudy",
                                                  "StructureDefinition",
                                                  "Subscription",
                                                  "Task",
                                                  "ValueSet"};
static_assert(std::ranges::is_sorted(served));

}  // namespace

bool binding_info::contains(std::string_view code) const { return std::ranges::binary_search(codes, code, {}, &coded::code); }

const type_info* find_type(std::string_view name) {
  const auto all = tables::all;
  const auto it = std::ranges::lower_bound(all, name, {}, &type_info::name);
  return it != all.end() && it->name == name ? &*it : nullptr;
}

const element_info* find_element(const type_info& type, std::string_view name) {
  const auto name_of = [&](std::uint16_t i) { return type.elements[i].name; };
  const auto it = std::ranges::lower_bound(type.by_name, name, {}, name_of);
  return it != type.by_name.end() && name_of(*it) == name ? &type.elements[*it] : nullptr;
}

std::span<const type_info> all_types() { return tables::all; }

bool is_resource(std::string_view name) {
  const auto* type = find_type(name);
  return type && type->kind == type_kind::resource && !type->abstract;
}

bool is_primitive(std::string_view name) {
  const auto* type = find_type(name);
  return type && type->kind == type_kind::primitive;
}

std::span<const std::string_view> served_types() { return served; }

bool is_served(std::string_view name) { return std::ranges::binary_search(served, name); }

}  // namespace dsf::fhir
