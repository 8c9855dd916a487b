// From the true count to the answer that leaves the site.
#include "base/mutant.hpp"
#include "privacy/obfuscation.hpp"
#include "processes/errc.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/feasibility/resources.hpp"
#include "processes/messages.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::feasibility {

using base::fail;
using base::json;
using base::result;

// Noise and rounding (domain 3.4). Answers given are kept with the site, so that asking again, or after a restart, averages nothing out.
plugins::outcome obfuscate_evaluation_result(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto* v = a.variable(v_result);
    const auto* count = v ? v->as<std::int64_t>() : nullptr;
    if (!count || *count < 0)
      return fail(errc::internal, "variable measure-result is not set; MergeMeasureResults must run before", a.activity_id);
    auto report = TRY(resource_variable(a, v_report));

    std::optional<result<std::uint64_t>> answer;
    TRY(s.update_state("feasibility/answers", [&](const std::string& before) {
      auto cache = before.empty() ? result<privacy::answer_cache>(privacy::answer_cache{}) : privacy::answer_cache::deserialize(before);
      if (!cache) {
        answer = base::failure(cache.error());
        return before;
      }
      answer = cache->answer(static_cast<std::uint64_t>(*count), s.uniform() - 0.5);
      return *answer ? cache->serialize() : before;
    }));
    if (!answer) return fail(errc::internal, "the answers given could not be read", "feasibility/answers");
    std::uint64_t told = TRY(*answer);
    if (DSF_MUTANT("processes.exact_count_told")) told = static_cast<std::uint64_t>(*count);

    auto* groups = report.find("group");
    auto* group = groups && groups->if_array() && !groups->if_array()->empty() ? &groups->if_array()->front() : nullptr;
    auto* populations = group ? group->find("population") : nullptr;
    if (!populations || !populations->if_array() || populations->if_array()->empty())
      return fail(errc::internal, "variable measure-report has no population; MergeMeasureResults must run before", a.activity_id);
    populations->if_array()->front().set("count", told);
    return plugins::completed{.variables = {set(v_report, bpmn::fhir_resource{"MeasureReport", report.dump()})}};
  });
}

plugins::outcome store_measure_report(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto requester = TRY(requester_of(*task.content));
    auto held = TRY(resource_variable(a, v_report));
    if (!initial_population(held) && !DSF_MUTANT("processes.result_without_noise_leaves"))
      return fail(errc::internal,
                  "the result was not obfuscated, so it does not leave this site; ObfuscateEvaluationResult must run before",
                  a.activity_id);
    json report = json::object{{"resourceType", "MeasureReport"}, {"meta", meta_with_tags({tag_local(), tag_organization(requester)})}};
    for (const auto name : {"status", "type", "measure", "date", "period", "group"})
      if (const auto* part = held.find(name)) report.set(name, *part);
    report.set("measure", TRY(reference_input(*task.content, feasibility_codes, measure_reference)));
    const auto stored = TRY(s.local_endpoint().create(report, a.idempotency_key));
    auto url = s.local().endpoint_url;
    while (url.ends_with('/')) url.pop_back();
    url += "/MeasureReport/" + stored["id"].str();
    s.log().info("feasibility", "result ready", context_of(s, requester, reference_to(task)));
    return plugins::completed{.variables = {set(v_report_id, url)},
                              .tasks = {with_output(task, parameter(feasibility_codes, measure_report_reference, "valueReference",
                                                                    json::object{{"reference", url}}))}};
  });
}

// The requester's endpoint: the one its Measure lies on, with the correlation key of its request.
plugins::outcome select_response_target(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto key = TRY(string_input(*task.content, bpmn_message, "correlation-key"));
    const auto measure =
        TRY(parse_reference(TRY(reference_input(*task.content, feasibility_codes, measure_reference)), "Measure", s.local().endpoint_url));
    const auto member = TRY(member_at(s, TRY(requester_of(*task.content)), measure.base));
    return plugins::completed{.variables = {set("target", target_for(member, key))}};
  });
}

plugins::outcome send_dic_response(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto target = TRY(target_of(a));
    if (is_send_error(a)) {
      const auto error = send_error_of(a);
      s.log().warning("feasibility", "result not sent", context_of(s, target.organization_identifier), {{"error", error.text}});
      return plugins::failed{error.text};
    }
    const auto report = a.variable_text(v_report_id);
    if (report.empty())
      return fail(errc::internal, "variable measure-report-id is not set; StoreMeasureReport must run before", a.activity_id);
    auto message = TRY(message_to(a, target));
    message.additional_inputs.push_back(
        parameter(feasibility_codes, measure_report_reference, "valueReference", json::object{{"reference", report}}).dump());
    plugins::completed out;
    out.messages.push_back(std::move(message));
    return out;
  });
}

}  // namespace dsf::processes::feasibility
