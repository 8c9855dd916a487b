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

constexpr int pages_of_tasks = 10;

json reference_value(const std::string& reference) { return json::object{{"reference", reference}, {"type", "Binary"}}; }

// The own Task at the other site, by its correlation key.
result<json> ping_task_at(plugins::services& s, const bpmn::target& to) {
  const auto remote = s.endpoint(to.endpoint_url);
  const auto query = "Task?requester:identifier=" + std::string(organization_sid) + "|" + s.local().organization_identifier +
                     "&_sort=-_lastUpdated&_count=100&_page=";
  for (int page = 1; page <= pages_of_tasks; ++page) {
    const auto bundle = TRY(remote->search(query + std::to_string(page)));
    for (const auto& e : bundle["entry"])
      if (input(e["resource"], bpmn_message, "correlation-key")["valueString"].str() == to.correlation_key) return e["resource"];
    if (bundle["entry"].size() == 0) break;
  }
  return json{};
}

transfer_error http_timeout_error(const base::error& e) {
  auto out = transfer_error_of("response-message-timeout", e);
  if (out.code == "response-unknown") out.code = "local-unknown";
  // The code system has no names for what went wrong below HTTP here.
  if (!out.code.starts_with("response-message-timeout-http-") || out.code == "response-message-timeout-http-host-connect")
    out.code = "local-unknown";
  return out;
}

}  // namespace

plugins::outcome send_ping(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto reference = a.variable_text("downloadResourceReference");
    const auto target = TRY(target_of(a));
    if (is_send_error(a)) {
      const auto error = send_error_of(a);
      record r;
      r.status = error.http_status == 403 ? "not-allowed" : "not-reachable";
      r.errors.push_back(send_error_code(error.http_status, error.text, !reference.empty()));
      return plugins::completed{
          .variables = {set_local("statusCode", "error"), set_local("errorMessage", error.text), keep(r, target.correlation_key)}};
    }
    const auto local = s.local();
    if (local.endpoint_identifier.empty())
      return base::fail(errc::not_on_allow_list,
                        "the site's own Endpoint with address " + local.endpoint_url + " is not on its allow-list");
    auto message = TRY(message_to(a, target));
    const json endpoint = json::object{{"type", "Endpoint"}, {"identifier", identifier(endpoint_sid, local.endpoint_identifier)}};
    message.additional_inputs.push_back(value_parameter("endpoint-identifier", "valueReference", endpoint, a.version_tag).dump());
    const auto* size = a.variable("downloadResourceSizeBytes");
    const auto bytes = size && size->as<std::int64_t>() ? *size->as<std::int64_t>() : std::int64_t{-1};
    message.additional_inputs.push_back(value_parameter("download-resource-size-bytes", "valueDecimal", bytes, a.version_tag).dump());
    if (!reference.empty())
      message.additional_inputs.push_back(
          value_parameter("download-resource-reference", "valueReference", reference_value(reference), a.version_tag).dump());
    plugins::completed out;
    out.messages.push_back(std::move(message));
    return out;
  });
}

plugins::outcome save_send_error(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto target = TRY(target_of(a));
    const auto r = record_in(a, target.correlation_key);
    s.log().warning("ping", "the ping could not be sent", context_of(s, target.organization_identifier, reference_to(task)),
                    {{"status", r.status}, {"endpoint", target.endpoint_identifier}, {"error", a.variable_text("errorMessage")}});
    return plugins::completed{};
  });
}

plugins::outcome save_pong(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto target = TRY(target_of(a));
    const auto pong = TRY(latest_task(a));
    auto r = record_in(a, target.correlation_key);
    r.status = "pong-received";
    r.upload = measured_in(*pong.content);
    for (auto& e : errors_in(*pong.content)) r.errors.push_back(std::move(e));
    s.log().info("ping", "pong received", context_of(s, target.organization_identifier, reference_to(pong)));
    return plugins::completed{.variables = {keep(r, target.correlation_key)}};
  });
}

// That the other site may delete its Binary; it does so by itself after a while, so a message that does not arrive stops nothing.
plugins::outcome send_cleanup_pong(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto target = TRY(target_of(a));
    auto r = record_in(a, target.correlation_key);
    if (is_send_error(a)) {
      const auto error = send_error_of(a);
      r.errors.push_back(send_error_code(error.http_status, error.text, false));
      s.log().warning("ping", "cleanupPong could not be sent", context_of(s, target.organization_identifier), {{"error", error.text}});
      return plugins::completed{.variables = {keep(r, target.correlation_key)}};
    }
    auto message = TRY(message_to(a, target));
    for (auto& in : measured_inputs(r.download, a.version_tag)) message.additional_inputs.push_back(std::move(in));
    plugins::completed out;
    out.messages.push_back(std::move(message));
    return out;
  });
}

plugins::outcome check_ping_task_status(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto target = TRY(target_of(a));
    auto r = record_in(a, target.correlation_key);
    r.status = "pong-missing";
    if (const auto found = ping_task_at(s, target); !found) {
      r.errors.push_back(http_timeout_error(found.error()));
    } else {
      const auto& status = (*found)["status"].str();
      const bool known = status == "requested" || status == "in-progress" || status == "failed" || status == "completed";
      r.errors.push_back({"response-message-timeout-status-" + (known ? status : "unexpected"), {}});
    }
    s.log().warning("ping", "no pong in time", context_of(s, target.organization_identifier), {{"code", r.errors.back().code}});
    return plugins::completed{.variables = {keep(r, target.correlation_key)}};
  });
}

plugins::outcome store_ping_results(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto* v = a.variable("targets");
    const auto* targets = v ? v->as<bpmn::targets>() : nullptr;
    if (!targets) return base::fail(errc::internal, "variable targets is not set; a step before must select them", a.activity_id);
    bpmn::task_change change{.task_id = task.id};
    std::uint64_t answered = 0;
    for (const auto& t : targets->entries) {
      auto r = record_in(a, t.correlation_key);
      if (r.status.empty()) r.status = "pong-missing";
      answered += r.status == "pong-received";
      change.add_outputs.push_back(status_output("ping-status", r, t, a.version_tag).dump());
    }
    for (const auto* name : {"resourceUploadError", "cleanupError"})
      if (const auto code = a.variable_text(name); !code.empty())
        change.add_outputs.push_back(error_parameter({code, a.variable_text(name + std::string("Fix"))}, a.version_tag).dump());
    s.log().info("ping", "ping finished", context_of(s, {}, reference_to(task)),
                 {{"targets", static_cast<std::uint64_t>(targets->entries.size())}, {"answered", answered}});
    plugins::completed out;
    if (!change.add_outputs.empty()) out.tasks.push_back(std::move(change));
    return out;
  });
}

}  // namespace dsf::processes::ping2
