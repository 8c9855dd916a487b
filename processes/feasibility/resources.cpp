#include "processes/feasibility/resources.hpp"

#include "base/bytes.hpp"
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

result<json> resource_variable(const plugins::activation& a, const char* name) {
  const auto* v = a.variable(name);
  const auto* held = v ? v->as<bpmn::fhir_resource>() : nullptr;
  if (!held) return fail(errc::internal, std::string("variable ") + name + " is not set; an earlier step must set it", a.activity_id);
  return TRY(json::parse(held->json));
}

result<std::string> library_content(const json& library, std::string_view content_type) {
  const json* found = nullptr;
  for (const auto& c : library["content"]) {
    if (c["contentType"].str() != content_type) continue;
    if (found) return fail(errc::bad_resource, "has more than one content of type " + std::string(content_type), "Library.content");
    found = &c;
  }
  if (!found || (*found)["data"].str().empty())
    return fail(errc::bad_resource, "needs a content of type " + std::string(content_type) + " with data", "Library.content");
  return TRY(base::from_base64((*found)["data"].str()));
}

plugins::outcome download_feasibility_resources(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto reference =
        TRY(parse_reference(TRY(reference_input(*task.content, feasibility_codes, measure_reference)), "Measure", s.local().endpoint_url));
    // The requester's own endpoint and no other: a Task must not make this site call just anybody.
    const auto member = TRY(member_at(s, TRY(requester_of(*task.content)), reference.base));
    const auto bundle = TRY(endpoint_of(s, member)->search("Measure?_id=" + reference.id + "&_include=Measure:depends-on"));
    std::vector<const json*> measures, libraries;
    for (const auto& e : bundle["entry"]) {
      const auto& type = e["resource"]["resourceType"].str();
      if (type == "Measure") measures.push_back(&e["resource"]);
      if (type == "Library") libraries.push_back(&e["resource"]);
    }
    if (measures.size() != 1 || libraries.size() != 1)
      return fail(errc::bad_resource,
                  "the requester's endpoint must give exactly one Measure and its Library, gave " + std::to_string(measures.size()) +
                      " and " + std::to_string(libraries.size()),
                  reference.base + "/Measure/" + reference.id);
    return plugins::completed{.variables = {set(v_measure, bpmn::fhir_resource{"Measure", measures.front()->dump()}),
                                            set(v_library, bpmn::fhir_resource{"Library", libraries.front()->dump()})}};
  });
}

}  // namespace dsf::processes::feasibility
