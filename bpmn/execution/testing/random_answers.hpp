// Answers whatever a test_host waits for, at random.
#pragma once

#include "base/entropy.hpp"
#include "bpmn/execution/testing/test_host.hpp"

namespace dsf::bpmn::testing {

// One more command; false when the instance waits for nothing.
inline base::result<bool> answer_something(test_host& host, base::seeded_entropy& dice) {
  const auto pick = [&](const auto& rows) { return std::next(rows.begin(), static_cast<std::ptrdiff_t>(dice.below(rows.size())))->first; };
  std::vector<int> kinds;
  if (!host.handlers.empty()) kinds.insert(kinds.end(), {0, 0, 0});
  if (!host.timers.empty()) kinds.push_back(1);
  if (!host.continuations.empty()) kinds.push_back(2);
  if (!host.subscriptions.empty()) kinds.push_back(3);
  if (!host.messages.empty()) kinds.push_back(4);
  if (!host.incidents.empty()) kinds.push_back(5);
  for (const auto& t : host.state.user_tasks)
    if (host.state.executions.find(t.execution)->at == phase::behaviour) {
      kinds.push_back(6);
      break;
    }
  if (kinds.empty()) return false;
  host.now.us += base::us_per_s;
  switch (kinds[dice.below(kinds.size())]) {
    case 0: {
      const local_id job = pick(host.handlers);
      const run_handler call = host.handlers.at(job);
      const auto luck = dice.below(100);
      if (luck < 5) {
        TRY(host.perform(handler_bpmn_error{job, dice.below(2) ? "E1" : "E2", "because", {}, {}}));
      } else if (luck < 8) {
        TRY(host.perform(handler_failed{job, "lost", true, true}));
      } else if (luck < 9) {
        TRY(host.perform(handler_failed{job, "broken", true, false}));
      } else {
        handler_completed done{job, {{variable_change::scope::nearest, "x", value(static_cast<std::int32_t>(luck)), false}}, {}, {}};
        if (luck < 20) done.variables.push_back({variable_change::scope::local, "correlationKey", value("key"), false});
        if (call.call == handler_call::send_task && call.event.empty())
          for (auto n = dice.below(3); n > 0; --n)
            done.messages.push_back({{"org", "endpoint", "https://a/fhir", ""}, "http://a/p|1.0", "m", "profile", "bk", {}, ""});
        TRY(host.perform(std::move(done)));
      }
      return true;
    }
    case 1: {
      const local_id job = pick(host.timers);
      host.now = std::max(host.now, host.timers.at(job).due);
      TRY(host.perform(timer_due{job}));
      return true;
    }
    case 2: TRY(host.perform(continue_job{pick(host.continuations)})); return true;
    case 3: {
      const local_id id = pick(host.subscriptions);
      message_received m;
      m.name = host.subscriptions.at(id).name;
      m.subscription = id;
      if (dice.below(2)) m.task = received_task{{"Task", "t" + std::to_string(host.events.size()), 2}};
      TRY(host.perform(std::move(m)));
      return true;
    }
    case 4: {
      const local_id id = pick(host.messages);
      host.messages.erase(id);  // the outbox has done with it
      if (dice.below(4))
        TRY(host.perform(message_delivered{id}));
      else
        TRY(host.perform(message_refused{id, "HTTP 403 Forbidden", 403}));
      return true;
    }
    case 5: TRY(host.perform(retry_incident{pick(host.incidents)})); return true;
    default: {
      std::vector<local_id> open;
      for (const auto& t : host.state.user_tasks)
        if (host.state.executions.find(t.execution)->at == phase::behaviour) open.push_back(t.id);
      TRY(host.perform(complete_user_task{open[dice.below(open.size())], {{"done", value(true)}}}));
      return true;
    }
  }
}

}  // namespace dsf::bpmn::testing
