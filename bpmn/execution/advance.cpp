#include "bpmn/execution/advance.hpp"

#include <algorithm>

#include "bpmn/execution/machine_impl.hpp"

namespace dsf::bpmn {

machine::machine(const definition& d, const instance_state& s, const command& c, std::span<const el::answer> answers,
                 const execution_limits& l)
    : model(d), state(s), now(c.now), limits(l), answers_(answers), next_(std::max(s.next_id, root_execution + 1)) {
  has_conditions_ = std::ranges::any_of(d.nodes, [](const node& n) { return n.event.kind == event_kind::conditional; });
}

base::result<> machine::run() {
  for (std::size_t steps = 0;; ++steps) {
    if (asks()) return {};
    if (broken_) return base::failure(*broken_);
    if (over()) return {};
    if (steps >= limits.segment_steps + loop_steps_)
      return base::fail(errc::limit,
                        "the instance did not reach a wait state within " + std::to_string(limits.segment_steps + loop_steps_) +
                            " steps; a loop in the process needs a wait state or asyncBefore",
                        agenda_.empty() || agenda_.back().node == no_node ? model.key : node_at(agenda_.back().node).id);
    if (!changes_.empty()) {
      TRY(check_conditions());
      continue;
    }
    if (agenda_.empty()) break;
    const cursor c = agenda_.back();
    agenda_.pop_back();
    if (!find(c.execution)) continue;  // cancelled meanwhile
    if (auto done = advance_token(c); !done && !asks() && !broken_) {
      if (done.error().is(errc::bug) || done.error().is(errc::limit)) return done;
      TRY(fault(c, done.error()));
    }
  }
  return check_stuck();
}

step machine::take_result() && {
  step out;
  if (asks()) {
    out.questions = std::move(questions_);
    return out;
  }
  out.events = std::move(events_);
  out.effects = std::move(effects_);
  merge_effects(out.effects);
  out.state = std::move(state);
  return out;
}

base::result<step> advance(const definition& d, const instance_state& s, const command& c, std::span<const el::answer> answers,
                           const execution_limits& limits) {
  machine m(d, s, c, answers, limits);
  if (auto done = m.perform(c); !done && !m.asks()) {
    const auto& e = done.error();
    const bool of_process = m.commanded().execution != 0 && !e.is(errc::not_waiting) && !e.is(errc::bug) && !e.is(errc::limit);
    if (!of_process) return base::failure(std::move(done).error());
    TRY(m.fault(m.commanded(), e));
  }
  TRY(m.run());
  return std::move(m).take_result();
}

}  // namespace dsf::bpmn
