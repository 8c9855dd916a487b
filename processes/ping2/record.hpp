// What a ping of the 2.x form finds out about one target (dsf-bpe 9.2): status, speeds and errors, kept in a variable until it becomes an output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "bpmn/value.hpp"
#include "plugins/handler.hpp"

namespace dsf::processes::ping2 {

inline constexpr std::string_view ping_codes = "http://dsf.dev/fhir/CodeSystem/ping";
inline constexpr std::string_view status_codes = "http://dsf.dev/fhir/CodeSystem/ping-status";
inline constexpr std::string_view error_codes = "http://dsf.dev/fhir/CodeSystem/ping-error";
inline constexpr std::string_view extension_status = "http://dsf.dev/fhir/StructureDefinition/extension-ping-status";
inline constexpr std::string_view extension_error = "http://dsf.dev/fhir/StructureDefinition/extension-error";
inline constexpr std::string_view ucum = "http://unitsofmeasure.org";

struct measured {
  std::uint64_t bytes = 0;
  std::uint64_t milliseconds = 0;
};

// A code of CodeSystem ping-error, and the page that says how to mend it.
struct transfer_error {
  std::string code;
  std::string potential_fix;  // may be empty
};

struct record {
  std::string status;  // of CodeSystem ping-status
  std::optional<measured> download, upload;  // from the other site, and by it
  std::vector<transfer_error> errors;
};

// `key` is the target's correlation key; empty in a pong, which has one target.
record record_in(const plugins::activation& a, std::string_view key);
bpmn::variable_change keep(const record& r, std::string_view key);

// Of a failed transfer: "local-binary-download" and what went wrong gives local-binary-download-http-403.
transfer_error transfer_error_of(std::string_view operation, const base::error& e);
// The same error as the other site has to see it: local-... becomes remote-....
transfer_error for_other_site(transfer_error e);
// Of a message that could not be sent.
transfer_error send_error_code(int http_status, std::string_view text, bool with_reference);

// ping-status or pong-status.
base::json status_output(std::string_view output, const record& r, const bpmn::target& target, std::string_view version);
// An element of Task.input or Task.output.
base::json error_parameter(const transfer_error& e, std::string_view version);
base::json value_parameter(std::string_view code, std::string_view value_name, base::json value, std::string_view version);
std::vector<transfer_error> errors_in(const base::json& task);
// downloaded-bytes and downloaded-duration of a message, both or nothing.
std::optional<measured> measured_in(const base::json& task);
std::vector<std::string> measured_inputs(const std::optional<measured>& m, std::string_view version);

}  // namespace dsf::processes::ping2
