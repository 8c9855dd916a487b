#include "processes/feasibility/cql_store.hpp"

#include <array>

#include "base/bytes.hpp"
#include "processes/errc.hpp"
#include "processes/feasibility/resources.hpp"

namespace dsf::processes::feasibility {
namespace {

using base::fail;
using base::json;
using base::result;

json entry(json resource, const std::string& url) {
  const auto type = resource["resourceType"].str();
  json request = json::object{{"method", "POST"}, {"url", type}, {"ifNoneExist", "url=" + url}};
  return json::object{{"resource", std::move(resource)}, {"request", std::move(request)}};
}

// Members that mean something at the store; ids, tags and profiles of the requester's endpoint don't.
json cleaned(const json& from, std::initializer_list<std::string_view> members) {
  json out = json::object{{"resourceType", from["resourceType"]}};
  for (const auto name : members)
    if (const auto* m = from.find(name)) out.set(name, *m);
  return out;
}

}  // namespace

result<json> cql_bundle(const json& measure, const json& library, std::string_view store_base) {
  const auto& id = library["id"].str();
  if (id.empty()) return fail(errc::bad_resource, "needs an id", "Library.id");
  const auto& measure_url = measure["url"].str();
  if (measure_url.empty()) return fail(errc::bad_resource, "needs a url", "Measure.url");
  const auto library_url = std::string(store_base) + "/Library/" + id;

  auto cql = TRY(library_content(library, "text/cql"));
  const auto line_end = cql.find('\n');
  cql = "library \"" + id + "\" version '1.0.0'" + (line_end == cql.npos ? std::string("\n") : cql.substr(line_end));

  auto new_library = cleaned(library, {"url", "status", "type"});
  new_library.set("url", library_url);
  new_library.set("name", id);
  new_library.set("version", "1.0.0");
  new_library.set("content", json::array{json::object{{"contentType", "text/cql"}, {"data", base::to_base64(cql)}}});
  auto new_measure = cleaned(measure, {"url", "status", "subjectCodeableConcept", "subjectReference", "scoring", "group"});
  new_measure.set("library", json::array{library_url});
  return json(json::object{{"resourceType", "Bundle"},
                           {"type", "transaction"},
                           {"entry", json::array{entry(std::move(new_measure), measure_url), entry(std::move(new_library), library_url)}}});
}

result<std::string> stored_measure_id(const json& answer) {
  for (const auto& e : answer["entry"]) {
    if (e["resource"]["resourceType"].str() == "Measure" && !e["resource"]["id"].str().empty()) return e["resource"]["id"].str();
    const auto& location = e["response"]["location"].str();
    constexpr std::string_view type = "Measure/";
    const auto at = location.find(type);
    if (at == location.npos || (at > 0 && location[at - 1] != '/')) continue;
    const auto rest = location.substr(at + type.size());
    if (const auto id = rest.substr(0, rest.find('/')); !id.empty()) return id;
  }
  return fail(errc::bad_resource, "the answer to the transaction names no stored Measure", "Bundle.entry");
}

std::string evaluate_query(std::string_view measure_id) {
  return "Measure/" + std::string(measure_id) + "/$evaluate-measure?periodStart=1900-01-01&periodEnd=2100-01-01&reportType=population";
}

}  // namespace dsf::processes::feasibility
