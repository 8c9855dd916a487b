#include <fmt/format.h>

#include <algorithm>

#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/ping2/handlers.hpp"
#include "processes/ping2/record.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping2 {
namespace {

using base::json;
using base::result;

constexpr std::uint64_t longest_download_ms = 24ULL * 3'600'000;  // counts for the estimate

std::string endpoint_in(const json& task) {
  return input(task, ping_codes, "endpoint-identifier")["valueReference"]["identifier"]["value"].str();
}

}  // namespace

plugins::outcome set_endpoint_identifier(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto endpoint = endpoint_in(*task.content);
    if (endpoint.empty())
      return base::fail(errc::bad_task, "the Task needs an input endpoint-identifier with a valueReference.identifier", "Task.input");
    s.log().info("ping", "ping received", context_of(s, TRY(requester_of(*task.content)), reference_to(task)));
    return plugins::completed{.variables = {set("endpointIdentifier", endpoint)}};
  });
}

// The other site needs about as long as this one did; ten times that, and twenty seconds.
plugins::outcome estimate_cleanup_timer(const plugins::activation& a, plugins::services&) {
  const auto r = record_in(a, {});
  const auto ms = r.download ? std::min(r.download->milliseconds, longest_download_ms) : 0;
  const auto total = 10 * ms + 20'000;
  return plugins::completed{.variables = {set("cleanupTimerDuration", fmt::format("PT{}.{:03}S", total / 1'000, total % 1'000))}};
}

plugins::outcome select_pong_target(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto organization = TRY(requester_of(*task.content));
    const auto key = TRY(string_input(*task.content, bpmn_message, "correlation-key"));
    const auto endpoint = a.variable_text("endpointIdentifier");
    if (const auto m = TRY(find_member(s, organization, endpoint)))
      return plugins::completed{.variables = {set("target", target_for(*m, key))}};
    auto r = record_in(a, {});
    r.status = "not-allowed";
    const auto text = "the allow-list has no active endpoint " + endpoint + " of organization " + organization;
    s.log().warning("ping", "no pong sent: " + text, context_of(s, organization, reference_to(task)));
    return plugins::bpmn_error{.code = "target_not_allowed",
                               .message = text,
                               .variables = {set("target", bpmn::target{organization, endpoint, "", key}), keep(r, {})}};
  });
}

plugins::outcome send_pong(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto target = TRY(target_of(a));
    const auto reference = a.variable_text("downloadResourceReference");
    auto r = record_in(a, {});
    if (is_send_error(a)) {
      const auto error = send_error_of(a);
      r.status = error.http_status == 403 ? "not-allowed" : "not-reachable";
      r.errors.push_back(send_error_code(error.http_status, error.text, !reference.empty()));
      s.log().warning("ping", "pong not sent", context_of(s, target.organization_identifier), {{"error", error.text}});
      return plugins::completed{.variables = {set("statusCode", "error"), keep(r, {})}};
    }
    auto message = TRY(message_to(a, target));
    if (!reference.empty()) {
      const json binary = json::object{{"reference", reference}, {"type", "Binary"}};
      message.additional_inputs.push_back(value_parameter("download-resource-reference", "valueReference", binary, a.version_tag).dump());
    }
    for (auto& in : measured_inputs(r.download, a.version_tag)) message.additional_inputs.push_back(std::move(in));
    auto errors = r.errors;
    if (const auto code = a.variable_text("resourceUploadError"); !code.empty())
      errors.push_back({code, a.variable_text("resourceUploadErrorFix")});
    for (const auto& e : errors) message.additional_inputs.push_back(error_parameter(for_other_site(e), a.version_tag).dump());
    r.status = "pong-send";
    plugins::completed out{.variables = {keep(r, {})}};
    out.messages.push_back(std::move(message));
    return out;
  });
}

plugins::outcome store_upload_speed(const plugins::activation& a, plugins::services&) {
  return attempt([&]() -> result<plugins::outcome> {
    auto r = record_in(a, {});
    r.upload = measured_in(*TRY(latest_task(a)).content);
    return plugins::completed{.variables = {keep(r, {})}};
  });
}

plugins::outcome save_timeout_error(const plugins::activation& a, plugins::services& s) {
  auto r = record_in(a, {});
  r.errors.push_back({"cleanup-message-timeout", {}});
  s.log().warning("ping", "cleanupPong did not come in time; the Binary is deleted", context_of(s));
  return plugins::completed{.variables = {keep(r, {})}};
}

plugins::outcome store_pong_results(const plugins::activation& a, plugins::services&) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto target = TRY(target_of(a));
    auto r = record_in(a, {});
    bpmn::task_change change{.task_id = task.id};
    change.add_outputs.push_back(status_output("pong-status", r, target, a.version_tag).dump());
    for (const auto* name : {"resourceUploadError", "cleanupError"})
      if (const auto code = a.variable_text(name); !code.empty())
        change.add_outputs.push_back(error_parameter({code, a.variable_text(name + std::string("Fix"))}, a.version_tag).dump());
    return plugins::completed{.tasks = {std::move(change)}};
  });
}

}  // namespace dsf::processes::ping2
