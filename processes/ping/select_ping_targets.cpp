#include <set>

#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/ping/handlers.hpp"
#include "processes/ping/status.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping {
namespace {

using base::json;
using base::result;

constexpr int max_pages = 1'000;
// Types of which a match or an include can be an Endpoint.
const std::set<std::string, std::less<>> endpoint_types{
    "Endpoint",     "HealthcareService",       "ImagingStudy",    "InsurancePlan", "Location",
    "Organization", "OrganizationAffiliation", "PractitionerRole"};

// The search of input target-endpoints without what stands before the resource type.
result<std::string> relative_search(const std::string& query) {
  const auto question = query.find('?');
  const auto slash = question == query.npos ? query.rfind('/') : query.substr(0, question).rfind('/');
  auto out = slash == query.npos ? query : query.substr(slash + 1);
  if (!endpoint_types.contains(out.substr(0, out.find('?'))))
    return base::fail(errc::bad_task,
                      "input target-endpoints must be a search that results in Endpoints, as "
                      "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|x",
                      "Task.input");
  return out;
}

// Identifiers of the active Endpoints among matches and includes, over all pages.
result<std::set<std::string>> search_endpoints(plugins::services& s, const std::string& query) {
  std::set<std::string> found;
  std::int64_t seen = 0;
  for (int page = 1; page <= max_pages; ++page) {
    const auto bundle = TRY(s.local_endpoint().search(query + (query.contains('?') ? "&" : "?") + "_page=" + std::to_string(page)));
    std::int64_t matches = 0;
    for (const auto& e : bundle["entry"]) {
      const auto& mode = e["search"]["mode"].str();
      if (mode.empty() || mode == "match") ++matches;
      const auto& r = e["resource"];
      if (r["resourceType"].str() != "Endpoint" || r["status"].str() != "active") continue;
      for (const auto& id : r["identifier"])
        if (id["system"].str() == endpoint_sid) found.insert(id["value"].str());
    }
    seen += matches;
    if (matches == 0 || seen >= bundle["total"].int_or(0)) return found;
  }
  return base::fail(errc::bad_task,
                    "input target-endpoints results in more than " + std::to_string(max_pages) + " pages; narrow the search", "Task.input");
}

}  // namespace

// All members but the own one, or those a search names; each with a correlation key of its own.
plugins::outcome select_ping_targets(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto& query = input(*task.content, ping_codes, "target-endpoints")["valueString"].str();
    std::optional<std::set<std::string>> wanted;
    if (!query.empty()) wanted = TRY(search_endpoints(s, TRY(relative_search(query))));
    bpmn::targets targets;
    for (const auto& m : TRY(s.members()))
      if (!m.local && (!wanted || wanted->contains(m.endpoint_identifier))) targets.entries.push_back(target_for(m, s.new_uuid()));
    s.log().info("ping", "targets selected", context_of(s, {}, reference_to(task)),
                 {{"targets", static_cast<std::uint64_t>(targets.entries.size())}});
    return plugins::completed{.variables = {set("targets", std::move(targets))}};
  });
}

}  // namespace dsf::processes::ping
