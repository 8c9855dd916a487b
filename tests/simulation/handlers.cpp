#include "tests/simulation/handlers.hpp"

#include "processes/messages.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::simulation {
namespace {

using base::result;
using plugins::handler_trait;
namespace p = processes;

// So often a handler that may fail does so; its model tries it again.
constexpr double failure_share = 0.3;
constexpr int attempts_that_may_fail = 3;

std::optional<plugins::outcome> may_fail(const plugins::activation& a, plugins::services& s) {
  if (a.attempt > attempts_that_may_fail || s.uniform() >= failure_share) return std::nullopt;
  return plugins::failed{"not this time", true};
}

// An output of the Task that started the instance.
result<plugins::outcome> with_note(const plugins::activation& a, std::string_view code, std::string_view text) {
  const auto task = TRY(p::start_task(a));
  return plugins::completed{.tasks = {p::with_output(task, p::parameter(output_codes, code, "valueString", text))}};
}

plugins::outcome prepare(const plugins::activation& a, plugins::services& s) {
  if (auto failed = may_fail(a, s)) return std::move(*failed);
  return p::attempt([&]() -> result<plugins::outcome> {
    bpmn::targets targets;
    for (const auto& m : TRY(s.members()))
      if (!m.local) targets.entries.push_back(p::target_for(m, s.new_uuid()));
    return plugins::completed{.variables = {p::set("targets", std::move(targets))}};
  });
}

plugins::outcome send(const plugins::activation& a, plugins::services&) {
  return p::attempt([&]() -> result<plugins::outcome> {
    if (p::is_send_error(a)) return with_note(a, "send-error", p::send_error_of(a).text);
    plugins::completed out;
    out.messages.push_back(TRY(p::message_to(a, TRY(p::target_of(a)))));
    return out;
  });
}

plugins::outcome set_correlation_key(const plugins::activation& a, plugins::services&) {
  return p::attempt([&]() -> result<plugins::outcome> {
    return plugins::completed{.variables = {p::set_local("correlationKey", TRY(p::target_of(a)).correlation_key)}};
  });
}

// The Task that was taken must be the target's, with the key that went to it.
plugins::outcome check_answer(const plugins::activation& a, plugins::services&) {
  return p::attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(p::latest_task(a));
    const auto target = TRY(p::target_of(a));
    const auto from = TRY(p::requester_of(*task.content));
    const auto key = TRY(p::string_input(*task.content, p::bpmn_message, "correlation-key"));
    const bool right = from == target.organization_identifier && key == target.correlation_key;
    return with_note(a, right ? "answered" : "wrong-answer", target.organization_identifier);
  });
}

plugins::outcome think(const plugins::activation& a, plugins::services& s) {
  if (auto failed = may_fail(a, s)) return std::move(*failed);
  return p::attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(p::start_task(a));
    const auto asker = TRY(p::requester_of(*task.content));
    const auto key = TRY(p::string_input(*task.content, p::bpmn_message, "correlation-key"));
    for (const auto& m : TRY(s.members()))
      if (m.organization_identifier == asker) return plugins::completed{.variables = {p::set("target", p::target_for(m, key))}};
    return plugins::failed{"nobody is " + asker, false};
  });
}

plugins::handler note(const char* code) {
  return [code](const plugins::activation& a, plugins::services&) -> plugins::outcome {
    return p::attempt([&]() -> result<plugins::outcome> { return with_note(a, code, a.activity_id); });
  };
}

}  // namespace

void add_handlers(plugins::handler_registry& registry) {
  const auto add = [&](const char* process, const char* name, handler_trait trait, plugins::handler run) {
    registry.add(std::string("simulationtest_") + process, "", std::string("simulation.") + name, trait, std::move(run));
  };
  add("ask", "Prepare", handler_trait::blocking, prepare);
  add("ask", "SendQuestion", handler_trait::quick, send);
  add("ask", "SetCorrelationKey", handler_trait::quick, set_correlation_key);
  add("ask", "CheckAnswer", handler_trait::quick, check_answer);
  add("ask", "NoAnswer", handler_trait::quick, note("no-answer"));
  add("ask", "Remind", handler_trait::quick, note("reminded"));
  add("ask", "Tick", handler_trait::quick, note("tick"));
  add("ask", "Work", handler_trait::blocking, note("worked"));
  add("answer", "Think", handler_trait::blocking, think);
  add("answer", "SendAnswer", handler_trait::quick, send);
}

}  // namespace dsf::simulation
