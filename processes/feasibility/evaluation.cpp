// Counting in the network's stores. A store takes part in exactly one branch, by its strategy; a branch without stores adds nothing.
#include <algorithm>
#include <optional>

#include "privacy/ccdl.hpp"
#include "privacy/mapping.hpp"
#include "privacy/search_translation.hpp"
#include "processes/errc.hpp"
#include "processes/feasibility/cql_store.hpp"
#include "processes/feasibility/handlers.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/feasibility/resources.hpp"
#include "processes/feasibility/search_store.hpp"
#include "processes/feasibility/settings.hpp"
#include "processes/messages.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::fail;
using base::json;
using base::result;

result<std::vector<store>> stores_for(const plugins::activation& a, const plugins::services& s, strategy wanted) {
  return TRY(network_for(s.process_configuration(execute_process), a.variable_text(v_parent))).with(wanted);
}

// Texts of the site's configuration: which searches a query means is the same for the own repository and for a server.
result<privacy::search_plan> plan_for(const json& ccdl, const plugins::services& s) {
  const auto configuration = s.process_configuration(execute_process);
  for (const auto* name : {"mapping", "tree"})
    if (configuration[name].str().empty())
      return fail(errc::not_configured, "a FHIR server can't be asked without the search mapping and the ontology tree",
                  std::string("feasibility.") + name);
  const auto map = TRY(privacy::mapping::parse(configuration["mapping"].str()));
  const auto tree = TRY(privacy::ontology_tree::parse(configuration["tree"].str()));
  const privacy::day today{static_cast<std::int32_t>(s.now().us / (86'400 * base::us_per_s))};
  return privacy::plan_searches(TRY(privacy::ccdl_from_json(ccdl)), map, tree, today);
}

result<void> may_go_on(const plugins::activation& a, const plugins::services& s) {
  if (a.cancelled && a.cancelled->load()) return fail(errc::interrupted, "the evaluation was cancelled", a.activity_id);
  if (a.deadline.us != 0 && s.now().us > a.deadline.us)
    return fail(errc::interrupted, "the evaluation was not done in time; ask for less, or give the store a faster server", a.activity_id);
  return {};
}

std::string stored_id_variable(const store& s) { return std::string(v_measure_id) + "_" + s.name; }

std::int64_t whole(const plugins::activation& a, const char* name) {
  const auto* v = a.variable(name);
  const auto* n = v ? v->as<std::int64_t>() : nullptr;
  return n ? *n : -1;
}

}  // namespace

plugins::outcome store_feasibility_resources(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    plugins::completed out;
    for (const auto& store : TRY(stores_for(a, s, strategy::cql))) {
      const auto bundle = TRY(cql_bundle(TRY(resource_variable(a, v_measure)), TRY(resource_variable(a, v_library)), store.base_url));
      const auto answer = TRY(TRY(s.store(store.name))->transaction(bundle));
      out.variables.push_back(set(stored_id_variable(store), TRY(stored_measure_id(answer))));
    }
    return out;
  });
}

plugins::outcome evaluate_cql_measure(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto stores = TRY(stores_for(a, s, strategy::cql));
    if (stores.empty()) return plugins::completed{};
    std::int64_t sum = 0;
    for (const auto& store : stores) {
      const auto id = a.variable_text(stored_id_variable(store));
      if (id.empty())
        return fail(errc::internal, "variable " + stored_id_variable(store) + " is not set; StoreFeasibilityResources must run before",
                    a.activity_id);
      const auto report = TRY(TRY(s.store(store.name))->search(evaluate_query(id)));
      const auto count = initial_population(report);
      if (!count)
        return fail(errc::bad_resource, "store " + store.name + " answered without a count of the initial-population", store.base_url);
      sum += static_cast<std::int64_t>(*count);
    }
    return plugins::completed{.variables = {set(v_result_cql, sum)}};
  });
}

plugins::outcome evaluate_ccdl_measure(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto stores = TRY(stores_for(a, s, strategy::ccdl));
    if (stores.empty()) return plugins::completed{};
    const auto ccdl = TRY(json::parse(TRY(library_content(TRY(resource_variable(a, v_library)), "application/json"))));
    // The searches are the same for all stores.
    std::optional<privacy::search_plan> plan;
    if (!std::ranges::all_of(stores, &store::native)) plan = TRY(plan_for(ccdl, s));
    std::int64_t sum = 0;
    for (const auto& store : stores) {
      if (store.native) {
        sum += static_cast<std::int64_t>(TRY(s.cohort_count(ccdl)));
        continue;
      }
      const auto client = TRY(s.store(store.name));
      search_run run{.store = *client, .base_url = store.base_url, .may_go_on = [&] { return may_go_on(a, s); }};
      sum += static_cast<std::int64_t>(TRY(count_by_searches(run, *plan)));
    }
    return plugins::completed{.variables = {set(v_result_ccdl, sum)}};
  });
}

// The report without its count: the true one stays a variable of the instance, and only ObfuscateEvaluationResult fills in an answer.
plugins::outcome merge_measure_results(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto cql = whole(a, v_result_cql);
    const auto ccdl = whole(a, v_result_ccdl);
    if (cql < 0 && ccdl < 0)
      return fail(errc::not_configured, "no store was asked; add one below feasibility.stores", "feasibility.stores");
    const auto measure = TRY(resource_variable(a, v_measure));
    const json code = json::object{{"coding", json::array{json::object{{"system", measure_population}, {"code", "initial-population"}}}}};
    json report = json::object{{"resourceType", "MeasureReport"}, {"status", "complete"}, {"type", "summary"}, {"measure", measure["url"]}};
    report.set("date", base::to_iso(s.now()));
    report.set("period", json::object{{"start", "1900-01-01"}, {"end", "2100-01-01"}});
    report.set("group", json::array{json::object{{"population", json::array{json::object{{"code", code}}}}}});
    const std::int64_t sum = (cql < 0 ? 0 : cql) + (ccdl < 0 ? 0 : ccdl);
    return plugins::completed{.variables = {set(v_result, sum), set(v_report, bpmn::fhir_resource{"MeasureReport", report.dump()})}};
  });
}

}  // namespace dsf::processes::feasibility
