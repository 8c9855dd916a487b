#include "base/mutant.hpp"
#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/ping/handlers.hpp"
#include "processes/ping/status.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping {

using base::json;
using base::result;

// The endpoint that the ping names, if the allow-list says it is the requester's.
plugins::outcome select_pong_target(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto organization = TRY(requester_of(*task.content));
    const auto key = TRY(string_input(*task.content, bpmn_message, "correlation-key"));
    const auto& endpoint = input(*task.content, ping_codes, "endpoint-identifier")["valueReference"]["identifier"]["value"].str();
    if (endpoint.empty())
      return base::fail(errc::bad_task, "the Task needs an input endpoint-identifier with a valueReference.identifier", "Task.input");
    if (const auto m = TRY(find_member(s, organization, endpoint)))
      return plugins::completed{
          .variables = {set("target", target_for(*m, DSF_MUTANT("processes.pong_without_correlation_key") ? std::string() : key))}};

    const bpmn::target unknown{organization, endpoint, "", key};
    const std::string text = "the allow-list has no active endpoint " + endpoint + " of organization " + organization;
    s.log().warning("ping", "no pong sent: " + text, context_of(s, organization, reference_to(task)));
    return plugins::bpmn_error{.code = "target_not_allowed",
                               .message = text,
                               .tasks = {with_output(task, status_output("pong-status", not_allowed, unknown, text))}};
  });
}

plugins::outcome send_pong(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto target = TRY(target_of(a));
    if (!is_send_error(a)) {
      auto message = TRY(message_to(a, target));
      message.on_delivered.push_back(with_output(task, status_output("pong-status", pong_send, target)));
      plugins::completed out;
      out.messages.push_back(std::move(message));
      return out;
    }
    // As the reference: the status is shown and the Task fails with the send error.
    const auto error = send_error_of(a);
    s.log().warning("ping", "pong not sent", context_of(s, target.organization_identifier, reference_to(task)), {{"error", error.text}});
    auto change = with_output(task, status_output("pong-status", status_of(error), target, error.text));
    const auto text = "Task " + a.field_text("instantiatesCanonical") + " send failed [recipient: " + target.organization_identifier +
                      ", endpoint: " + target.endpoint_identifier + ", businessKey: " + a.business_key +
                      ", correlationKey: " + target.correlation_key + ", message: " + a.field_text("messageName") +
                      ", error: " + error.text + "]";
    change.add_outputs.push_back(parameter(bpmn_message, "error", "valueString", text).dump());
    change.status = "failed";
    return plugins::completed{.tasks = {std::move(change)}};
  });
}

}  // namespace dsf::processes::ping
