// The requester fetches a site's MeasureReport and shows it on the Task that announced it.
#include "processes/errc.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/messages.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::feasibility {

using base::fail;
using base::json;
using base::result;

plugins::outcome download_measure_report(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(latest_task(a));
    const auto organization = TRY(requester_of(*task.content));
    const auto reference = TRY(parse_reference(TRY(reference_input(*task.content, feasibility_codes, measure_report_reference)),
                                               "MeasureReport", TRY(target_of(a)).endpoint_url));
    const auto member = TRY(member_at(s, organization, reference.base));
    const auto report = TRY(endpoint_of(s, member)->read("MeasureReport", reference.id, reference.version));
    if (report["resourceType"].str() != "MeasureReport" || !initial_population(report))
      return fail(errc::bad_resource, "not a MeasureReport with a count of the initial-population",
                  reference.base + "/MeasureReport/" + reference.id);
    return plugins::completed{.variables = {set_local(v_report, bpmn::fhir_resource{"MeasureReport", report.dump()})}};
  });
}

plugins::outcome store_live_result(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(latest_task(a));
    const auto* v = a.variable(v_report);
    const auto* held = v ? v->as<bpmn::fhir_resource>() : nullptr;
    if (!held) return fail(errc::internal, "variable measure-report is not set; DownloadMeasureReport must run before", a.activity_id);
    const auto theirs = TRY(json::parse(held->json));
    // What the result needs and nothing else: ids, tags and references of the other site mean nothing here.
    json report = json::object{{"resourceType", "MeasureReport"}, {"meta", meta_with_tags({tag_local()})}};
    for (const auto name : {"status", "type", "measure", "date", "period", "group"})
      if (const auto* part = theirs.find(name)) report.set(name, *part);
    const auto stored = TRY(s.local_endpoint().create(report, a.idempotency_key));
    const json reference = json::object{{"reference", "MeasureReport/" + stored["id"].str()}};
    s.log().info("feasibility", "result stored", context_of(s, TRY(requester_of(*task.content)), reference_to(task)));
    return plugins::completed{
        .tasks = {with_output(task, parameter(feasibility_codes, measure_report_reference, "valueReference", reference))}};
  });
}

}  // namespace dsf::processes::feasibility
