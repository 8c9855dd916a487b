// Names of the allow-list processes. What begins with http://dsf.dev is DSF's and known to Java sites; what begins with https://dsfd.invalid is
// ours and stays in Tasks of the own site.
#pragma once

#include <string_view>

namespace dsf::processes::allow_list {

inline constexpr std::string_view update_process = "dsfdev_updateAllowList";
inline constexpr std::string_view download_process = "dsfdev_downloadAllowList";

// The bundle's identifier, and the type of the input and output that refer to it (dsf-bpe 9.3).
inline constexpr std::string_view codes = "http://dsf.dev/fhir/CodeSystem/allow-list";
inline constexpr std::string_view allow_list_code = "allow_list";

// docs/decisions/allow-list-processes.md
inline constexpr std::string_view own_codes = "https://dsfd.invalid/fhir/CodeSystem/allow-list";
inline constexpr std::string_view dry_run = "dry-run";  // input, boolean
inline constexpr std::string_view accept_own_changes = "accept-own-changes";  // input, boolean
inline constexpr std::string_view accept_parent = "accept-parent";  // input, string, repeated
inline constexpr std::string_view difference_code = "difference";  // output, JSON
inline constexpr std::string_view summary_code = "summary";  // output, a sentence

inline constexpr std::string_view thumbprint_extension = "http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint";

// Process variables. DSF's own model has no variable of these handlers that a model reads.
inline constexpr const char* v_bundle = "bundle";
inline constexpr const char* v_source = "allowListSource";

}  // namespace dsf::processes::allow_list
