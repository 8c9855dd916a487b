// The outputs ping-status and pong-status (CodeSystem http://dsf.dev/fhir/CodeSystem/ping-status).
#pragma once

#include <string_view>

#include "base/json.hpp"
#include "bpmn/value.hpp"
#include "processes/messages.hpp"

namespace dsf::processes::ping {

inline constexpr std::string_view ping_codes = "http://dsf.dev/fhir/CodeSystem/ping";
inline constexpr std::string_view ping_status_codes = "http://dsf.dev/fhir/CodeSystem/ping-status";
inline constexpr std::string_view extension_ping_status = "http://dsf.dev/fhir/StructureDefinition/extension-ping-status";

inline constexpr std::string_view not_allowed = "not-allowed";
inline constexpr std::string_view not_reachable = "not-reachable";
inline constexpr std::string_view pong_missing = "pong-missing";
inline constexpr std::string_view pong_received = "pong-received";
inline constexpr std::string_view pong_send = "pong-send";

// `output` is ping-status or pong-status; an empty error message is left out.
base::json status_output(std::string_view output, std::string_view status, const bpmn::target& target, std::string_view error_message = {});

// not-allowed when the other site answered 403, else not-reachable.
std::string_view status_of(const send_error& e);

}  // namespace dsf::processes::ping
