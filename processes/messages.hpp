// What handlers hand back: variables, messages and failures.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bpmn/execution/command.hpp"
#include "plugins/handler.hpp"

namespace dsf::processes {

bpmn::variable_change set(std::string name, bpmn::value v);        // of the instance
bpmn::variable_change set_local(std::string name, bpmn::value v);  // of the current execution

// Retryable when the same call may succeed later.
plugins::failed failed_by(const base::error& e);

// Runs a step that reports errors as results: an error becomes a failed outcome.
template <class Step>
plugins::outcome attempt(Step&& step) {
  base::result<plugins::outcome> done = step();
  if (!done) return failed_by(done.error());
  return std::move(*done);
}

// The message that the model's fields describe (instantiatesCanonical, messageName, profile), to `to`, with the instance's business key
// (dsf-bpe 1.10).
base::result<bpmn::outgoing_message> message_to(const plugins::activation& a, const bpmn::target& to);

// Variable `target`; an error when the model did not set it.
base::result<bpmn::target> target_of(const plugins::activation& a);

// Of a call with event "send_error".
struct send_error {
  std::string text;
  int http_status = 0;  // 0: not reachable
};
bool is_send_error(const plugins::activation& a);
send_error send_error_of(const plugins::activation& a);

// The context of a log line, with the partner and the Task where they apply.
base::log_context context_of(const plugins::services& s, std::string partner = {}, std::string task = {});

}  // namespace dsf::processes
