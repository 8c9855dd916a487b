#include "base/clock.hpp"
#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/ping/handlers.hpp"
#include "processes/ping/status.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping {

using base::result;

plugins::outcome set_target_and_configure_timer(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    auto interval = input(*task.content, ping_codes, "timer-interval")["valueString"].str();
    if (interval.empty()) interval = "PT24H";
    const auto duration = TRY(base::parse_duration(interval));
    // A duration of nothing would ping without a pause.
    if (duration.months == 0 && duration.us < base::us_per_s)
      return base::fail(errc::bad_task, "input timer-interval must be at least one second, is " + interval, "Task.input");
    return plugins::completed{.variables = {set("timerInterval", interval), set("target", target_for(s.local(), ""))}};
  });
}

// Each ping is an instance of its own: it needs a business key of its own.
plugins::outcome send_start_ping(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    if (is_send_error(a)) return plugins::failed{send_error_of(a).text};
    const auto task = TRY(start_task(a));
    auto message = TRY(message_to(a, TRY(target_of(a))));
    message.business_key = s.new_uuid();
    if (const auto& query = input(*task.content, ping_codes, "target-endpoints")["valueString"].str(); !query.empty())
      message.additional_inputs.push_back(parameter(ping_codes, "target-endpoints", "valueString", query).dump());
    plugins::completed out;
    out.messages.push_back(std::move(message));
    return out;
  });
}

}  // namespace dsf::processes::ping
