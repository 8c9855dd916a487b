// Codes, names of variables and read-access tags of the feasibility processes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace dsf::processes::feasibility {

inline constexpr std::string_view feasibility_codes = "http://medizininformatik-initiative.de/fhir/CodeSystem/feasibility";
inline constexpr std::string_view profile_base = "http://medizininformatik-initiative.de/fhir/StructureDefinition/";
inline constexpr std::string_view measure_population = "http://terminology.hl7.org/CodeSystem/measure-population";

// Inputs and outputs
inline constexpr std::string_view measure_reference = "measure-reference";
inline constexpr std::string_view measure_report_reference = "measure-report-reference";

// Variables; those of the reference carry its names.
inline constexpr const char* v_measure_id = "measure-id";
inline constexpr const char* v_measure = "measure";
inline constexpr const char* v_library = "library";
inline constexpr const char* v_parent = "requester-parent-organization";
inline constexpr const char* v_obfuscation = "evaluation-obfuscation";
inline constexpr const char* v_below_limit = "request-rate-below-limit";
inline constexpr const char* v_result_cql = "measure-result-cql";
inline constexpr const char* v_result_ccdl = "measure-result-ccdl";
inline constexpr const char* v_result = "measure-result";  // the true sum; stays in the instance
inline constexpr const char* v_report = "measure-report";
inline constexpr const char* v_report_id = "measure-report-id";

base::json tag_local();
base::json tag_organization(std::string_view organization);
base::json tag_role(std::string_view parent_organization, std::string_view role);
// {"tag": [...]}
base::json meta_with_tags(base::json::array tags);

// The count of the first population initial-population of a MeasureReport; nothing when it has none or a negative one.
std::optional<std::uint64_t> initial_population(const base::json& report);

}  // namespace dsf::processes::feasibility
