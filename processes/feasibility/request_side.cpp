// Choosing the data sites, asking them, waiting for them.
#include "base/clock.hpp"
#include "processes/errc.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/feasibility/settings.hpp"
#include "processes/messages.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::fail;
using base::json;
using base::result;

// When the Task was made: its first version says it.
result<base::timestamp> created_at(plugins::services& s, const plugins::task_document& task) {
  const auto first = TRY(s.local_endpoint().read("Task", task.id, 1));
  return TRY(base::parse_iso(first["meta"]["lastUpdated"].str()));
}

result<std::string> only_parent(plugins::services& s, const std::string& organization) {
  const auto parents = TRY(s.parents_of(organization, "HRP"));
  if (parents.size() == 1) return parents.front();
  std::string names;
  for (const auto& p : parents) names += (names.empty() ? "" : ", ") + p;
  return fail(errc::not_on_allow_list, "the local organization " + organization +
                                           " must have role HRP in exactly one parent organization, has it in " +
                                           std::to_string(parents.size()) + (names.empty() ? "" : " (" + names + ")"));
}

}  // namespace

plugins::outcome select_request_targets(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto timeout_us = request_task_timeout_us(s.process_configuration(request_process));
    const auto age_us = s.now().us - TRY(created_at(s, task)).us;
    if (age_us > timeout_us)
      return plugins::failed{"the request is " + std::to_string(age_us / base::us_per_s) +
                                 " s old, older than feasibility.general.request_task_timeout allows (" +
                                 std::to_string(timeout_us / base::us_per_s) + " s); start it again",
                             false};

    const auto local = s.local();
    const auto measure =
        TRY(parse_reference(TRY(reference_input(*task.content, feasibility_codes, measure_reference)), "Measure", local.endpoint_url));
    const auto parent = TRY(only_parent(s, local.organization_identifier));
    bpmn::targets targets;
    for (const auto& m : TRY(s.members(parent, "DIC"))) targets.entries.push_back(target_for(m, s.new_uuid()));
    if (targets.entries.empty()) return fail(errc::not_on_allow_list, "no organization has role DIC in parent organization " + parent);
    s.log().info("feasibility", "request goes out", context_of(s, {}, reference_to(task)),
                 {{"sites", static_cast<std::uint64_t>(targets.entries.size())}});
    return plugins::completed{
        .variables = {set("targets", std::move(targets)), set(v_measure_id, measure.base + "/Measure/" + measure.id)}};
  });
}

// A failed send is the model's business: it looks at sendError.
plugins::outcome send_dic_request(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto target = TRY(target_of(a));
    if (is_send_error(a)) {
      const auto error = send_error_of(a);
      s.log().warning("feasibility", "request not sent", context_of(s, target.organization_identifier), {{"error", error.text}});
      return plugins::completed{.variables = {set_local("sendError", true), set_local("errorMessage", error.text)}};
    }
    const auto measure = a.variable_text(v_measure_id);
    if (measure.empty()) return fail(errc::internal, "variable measure-id is not set; SelectRequestTargets must run before", a.activity_id);
    auto message = TRY(message_to(a, target));
    message.additional_inputs.push_back(
        parameter(feasibility_codes, measure_reference, "valueReference", json::object{{"reference", measure}}).dump());
    plugins::completed out;
    out.messages.push_back(std::move(message));
    return out;
  });
}

plugins::outcome set_correlation_key(const plugins::activation& a, plugins::services&) {
  return attempt([&]() -> result<plugins::outcome> {
    return plugins::completed{.variables = {set_local("correlationKey", TRY(target_of(a)).correlation_key)}};
  });
}

plugins::outcome log_receive_timeout(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    s.log().warning("feasibility", "no result in time", context_of(s, TRY(target_of(a)).organization_identifier));
    return plugins::completed{};
  });
}

}  // namespace dsf::processes::feasibility
