// What an instance that was just loaded goes on with.
#include "bpmn/execution/machine_impl.hpp"

namespace dsf::bpmn {

base::result<std::vector<effect>> pending_effects(const definition& d, const instance_state& state, base::timestamp now) {
  const execution_limits limits;
  const command none{now, {}, continue_job{}};
  machine m{d, state, none, {}, limits};
  for (const auto& j : state.jobs) {
    if (j.status != job_status::ready) continue;
    const auto* refused = j.reacts_to != 0 ? state.messages.find(j.reacts_to) : nullptr;
    m.announce(j, j.kind == job_kind::handler ? TRY(m.activation(j, refused)) : run_handler{});
  }
  return std::move(m).take_result().effects;
}

}  // namespace dsf::bpmn
