#include <map>

#include "processes/messages.hpp"
#include "processes/ping/handlers.hpp"
#include "processes/ping/status.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping {
namespace {

using base::result;

// What became of one target: a log line and an output of the start Task.
plugins::outcome record(const plugins::activation& a, plugins::services& s, std::string_view status, std::string_view error_message = {}) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto target = TRY(target_of(a));
    const auto context = context_of(s, target.organization_identifier, reference_to(task));
    std::vector<base::logger::field> fields{{"status", status}, {"endpoint", target.endpoint_identifier}};
    if (!error_message.empty()) fields.emplace_back("error", error_message);
    s.log().log(status == pong_received ? base::log_level::info : base::log_level::warning, "ping", "ping answered or given up", context,
                std::move(fields));
    return plugins::completed{.tasks = {with_output(task, status_output("ping-status", status, target, error_message))}};
  });
}

}  // namespace

plugins::outcome log_pong(const plugins::activation& a, plugins::services& s) { return record(a, s, pong_received); }
plugins::outcome log_no_response(const plugins::activation& a, plugins::services& s) { return record(a, s, pong_missing); }

plugins::outcome log_send_error(const plugins::activation& a, plugins::services& s) {
  const auto status = a.variable_text("statusCode");
  return record(a, s, status == not_allowed ? not_allowed : not_reachable, a.variable_text("errorMessage"));
}

// The outputs stand already; this says in the log how it went as a whole.
plugins::outcome save_results(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    std::map<std::string, std::uint64_t> counts;
    for (const auto& out : (*task.content)["output"])
      if (out["valueCoding"]["system"].str() == ping_status_codes) ++counts[out["valueCoding"]["code"].str()];
    std::vector<base::logger::field> fields;
    for (const auto& [code, n] : counts) fields.emplace_back(code, n);
    s.log().info("ping", "ping finished", context_of(s, {}, reference_to(task)), std::move(fields));
    return plugins::completed{};
  });
}

plugins::outcome log_ping(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    s.log().info("ping", "ping received", context_of(s, TRY(requester_of(*task.content)), reference_to(task)));
    return plugins::completed{};
  });
}

}  // namespace dsf::processes::ping
