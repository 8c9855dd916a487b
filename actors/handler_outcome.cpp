// A handler's outcome as a command to its instance.
#include "actors/instance_host.hpp"
#include "base/json.hpp"
#include "base/mutant.hpp"

namespace dsf::actors {
namespace {

using base::timestamp;

// Handlers come from plugins: what they report is checked before it becomes part of the instance.
base::result<> check(const plugins::completed& c) {
  for (const auto& change : c.tasks)
    for (const auto& output : change.add_outputs)
      if (auto parsed = base::json::parse(output); !parsed) return base::failure(std::move(parsed).error().at("Task output"));
  for (const auto& message : c.messages) {
    for (const auto& input : message.additional_inputs)
      if (auto parsed = base::json::parse(input); !parsed) return base::failure(std::move(parsed).error().at("Task input"));
    if (message.to.endpoint_url.empty()) return base::fail(base::errc::invalid_argument, "a message without endpoint URL");
  }
  return {};
}

}  // namespace

bpmn::command to_command(bpmn::local_id job, plugins::outcome outcome, timestamp now) {
  bpmn::command c{now, "handler", bpmn::handler_ended_instance{job, {}}};
  if (auto* done = std::get_if<plugins::completed>(&outcome)) {
    if (DSF_MUTANT("outcome-applied-twice"))
      for (const auto& t : std::vector(done->tasks)) done->tasks.push_back(t);
    if (auto ok = check(*done); !ok)
      c.what = bpmn::handler_failed{job, "the handler's result can't be used: " + ok.error().to_string(), false, false};
    else
      c.what = bpmn::handler_completed{job, std::move(done->variables), std::move(done->tasks), std::move(done->messages)};
  } else if (auto* e = std::get_if<plugins::bpmn_error>(&outcome)) {
    c.what = bpmn::handler_bpmn_error{job, std::move(e->code), std::move(e->message), std::move(e->variables), std::move(e->tasks)};
  } else if (auto* f = std::get_if<plugins::failed>(&outcome)) {
    c.what = bpmn::handler_failed{job, std::move(f->error), f->retryable, f->lost};
  } else {
    c.what = bpmn::handler_ended_instance{job, std::move(std::get<plugins::end_instance>(outcome).reason)};
  }
  return c;
}

}  // namespace dsf::actors
