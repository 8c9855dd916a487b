#include "bpmn/execution/event.hpp"

#include <array>

namespace dsf::bpmn {

std::string_view name_of(const event& e) {
  static constexpr std::array<std::string_view, std::variant_size_v<event::storage>> names = {
      "instance_started", "variables_written", "execution_created",   "activity_started",    "execution_moved",   "activity_ended",
      "flow_taken",       "execution_removed", "execution_attached",  "execution_merged",    "loop_advanced",     "job_created",
      "job_changed",      "job_removed",       "subscription_opened", "subscription_closed", "message_queued",    "message_bounced",
      "message_settled",  "user_task_created", "user_task_ended",     "incident_raised",     "incident_resolved", "task_received",
      "task_annotated",   "task_written",      "task_finished",       "instance_finished"};
  return names[e.what.index()];
}

}  // namespace dsf::bpmn
