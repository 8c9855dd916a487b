// The engine's core: pure functions of values (docs/design.md, "Life of a Task" 5 and decisions 5-8).
//
//   advance(definition, state, command, answers) -> step{events, effects} | questions
//   apply(definition, state, event)              -> state
//
// advance never changes `state`; it works on a copy by applying the events it decides on, so that replaying the events gives the same state.
// A step runs the token game until every token waits: one step is one segment and one commit.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bpmn/execution/command.hpp"
#include "bpmn/execution/event.hpp"
#include "bpmn/execution/state.hpp"

namespace dsf::bpmn {

struct execution_limits {
  std::size_t segment_steps = 100'000;
  std::size_t multi_instance = 1'000'000;
};

struct step {
  std::vector<event> events;  // empty: the command changed nothing
  std::vector<effect> effects;  // in the order they arose; what cancels out inside the step is already left out
  instance_state state;  // after the events
  std::vector<el::question> questions;  // not empty: events, effects and state are void; ask and call again
};

// Errors: not_waiting (the command's target is gone: a late timer, a duplicate), limit, bug. Faults of the process itself (a false condition,
// an unknown identifier, an uncaught BPMN error) are not errors of advance: they become events (decision 8).
base::result<step> advance(const definition& d, const instance_state& state, const command& c, std::span<const el::answer> answers = {},
                           const execution_limits& limits = {});

// The only mutator, also in replay. Errors: bug, when the event does not fit the state.
base::result<> apply(const definition& d, instance_state& state, const event& e);

// What an instance that was just loaded goes on with: its handler jobs, timers and continuations, as they were announced. Open messages stand in
// the host's outbox already.
base::result<std::vector<effect>> pending_effects(const definition& d, const instance_state& state, base::timestamp now);

// The chain of variables that an execution sees, nearest scope first; for handlers' read views.
std::vector<std::pair<std::string, value>> visible_variables(const instance_state& state, local_id execution);

// What a waiting instance waits for, for people (`dsfctl why`).
struct wait_point {
  std::string kind;  // message, timer, signal, handler, delivery, user task, continuation, incident, condition
  std::string activity_id;
  std::string detail;  // message name and correlation key, due time, handler class, error text
  base::timestamp since;
  base::timestamp due;  // timers and retries
};
std::vector<wait_point> waits_for(const definition& d, const instance_state& state);

}  // namespace dsf::bpmn
