#include "processes/feasibility/request_bundle.hpp"

#include <string>

#include "base/bytes.hpp"
#include "processes/feasibility/names.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::feasibility {

using base::json;

json measure_and_library_bundle(const query_bundle& q) {
  const auto meta = [&](std::string_view profile) {
    json out =
        json::object{{"profile", json::array{std::string(profile_base) + std::string(profile) + "|" + std::string(q.profile_version)}}};
    out.set("tag", json::array{tag_local(), tag_role(q.parent_organization, q.reader_role)});
    return out;
  };
  const auto attachment = [](std::string_view type, std::string_view text) {
    return json::object{{"contentType", type}, {"data", base::to_base64(text)}};
  };
  const auto entry = [](std::string_view url, json resource) {
    const auto type = resource["resourceType"].str();
    return json::object{{"fullUrl", url}, {"resource", std::move(resource)}, {"request", json::object{{"method", "POST"}, {"url", type}}}};
  };

  json population = json::object{{"code", concept_of(measure_population, "initial-population")},
                                 {"criteria", json::object{{"language", "text/cql"}, {"expression", "InInitialPopulation"}}}};
  json measure =
      json::object{{"resourceType", "Measure"}, {"meta", meta("feasibility-measure")}, {"url", q.measure_url}, {"status", "active"}};
  measure.set("subjectCodeableConcept", concept_of("http://hl7.org/fhir/resource-types", "Patient"));
  measure.set("library", json::array{q.library_url});
  measure.set("scoring", concept_of("http://terminology.hl7.org/CodeSystem/measure-scoring", "cohort"));
  measure.set("group", json::array{json::object{{"population", json::array{std::move(population)}}}});

  json library =
      json::object{{"resourceType", "Library"}, {"meta", meta("feasibility-library")}, {"url", q.library_url}, {"status", "active"}};
  library.set("type", concept_of("http://terminology.hl7.org/CodeSystem/library-type", "logic-library"));
  library.set("content", json::array{attachment("text/cql", q.cql), attachment("application/json", q.ccdl)});

  return json::object{{"resourceType", "Bundle"},
                      {"type", "transaction"},
                      {"entry", json::array{entry(q.measure_url, std::move(measure)), entry(q.library_url, std::move(library))}}};
}

}  // namespace dsf::processes::feasibility
