#include "processes/ping/status.hpp"

#include "processes/task_values.hpp"

namespace dsf::processes::ping {

using base::json;

json status_output(std::string_view output, std::string_view status, const bpmn::target& target, std::string_view error_message) {
  json::array parts{
      json::object{{"url", "correlation-key"}, {"valueString", target.correlation_key}},
      json::object{{"url", "organization-identifier"}, {"valueIdentifier", identifier(organization_sid, target.organization_identifier)}},
      json::object{{"url", "endpoint-identifier"}, {"valueIdentifier", identifier(endpoint_sid, target.endpoint_identifier)}},
  };
  if (!error_message.empty()) parts.push_back(json::object{{"url", "error-message"}, {"valueString", error_message}});
  json out = json::object{{"extension", json::array{json::object{{"extension", std::move(parts)}, {"url", extension_ping_status}}}}};
  out.set("type", concept_of(ping_codes, output));
  out.set("valueCoding", coding(ping_status_codes, status));
  return out;
}

std::string_view status_of(const send_error& e) { return e.http_status == 403 ? not_allowed : not_reachable; }

}  // namespace dsf::processes::ping
