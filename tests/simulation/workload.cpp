#include "tests/simulation/workload.hpp"

#include "base/uuid.hpp"
#include "processes/task_values.hpp"
#include "tests/simulation/names.hpp"

namespace dsf::simulation {
namespace {

using base::json;

constexpr std::string_view client_system = "https://dsfd.invalid/sid/simulation";

json organization(unsigned site) {
  return json::object{{"type", "Organization"}, {"identifier", processes::identifier(processes::organization_sid, organization_of(site))}};
}

}  // namespace

work_item make_item(unsigned site, base::entropy& dice) {
  work_item out;
  out.site = site;
  out.ask = dice.below(3) != 0;
  out.business_key = base::uuid::random(dice).to_string();
  out.identifier = base::uuid::random(dice).to_string();
  out.due_us = static_cast<std::int64_t>(dice.below(15 * base::us_per_s));
  const std::string domain = out.ask ? "http://simulation.test/" : "http://dsf.dev/";
  const std::string process = domain + "bpe/Process/" + (out.ask ? "ask" : "ping") + "|1.0";
  const std::string profile = domain + "fhir/StructureDefinition/task-start-" + (out.ask ? "ask" : "ping") + "|1.0";
  json task = json::object{{"resourceType", "Task"}, {"meta", json::object{{"profile", json::array{profile}}}}};
  task.set("identifier", json::array{processes::identifier(client_system, out.identifier)});
  task.set("instantiatesCanonical", process);
  task.set("status", "requested");
  task.set("intent", "order");
  task.set("authoredOn", base::to_iso({begin_us}));
  task.set("requester", organization(site));
  task.set("restriction", json::object{{"recipient", json::array{organization(site)}}});
  task.set("input",
           json::array{processes::parameter(processes::bpmn_message, "message-name", "valueString", out.ask ? "startAsk" : "startPing"),
                       processes::parameter(processes::bpmn_message, "business-key", "valueString", out.business_key)});
  out.body = task.dump();
  return out;
}

net::client_request request_of(const work_item& item) {
  net::client_request r;
  r.method = "POST";
  r.url = base_url_of(item.site) + "/Task";
  r.headers = {{"Content-Type", "application/fhir+json"},
               {"Accept", "application/fhir+json"},
               {"Prefer", "return=minimal"},
               {"If-None-Exist", "identifier=" + std::string(client_system) + "|" + item.identifier}};
  r.body = item.body;
  return r;
}

}  // namespace dsf::simulation
