// StructureDefinition/$snapshot (dsf-fhir-server 3.12).
#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/conformance_lookup.hpp"
#include "fhir/semantics/interactions/operation_input.hpp"
#include "fhir/semantics/operation_outcome.hpp"
#include "fhir/semantics/snapshots/snapshot.hpp"

namespace dsf::fhir {
namespace {

op_result<base::json> snapshot_of(const op_scope& scope, const base::json& definition) {
  if (definition["snapshot"]["element"].size() > 0) return definition;
  if (definition["differential"]["element"].size() == 0)
    return op_fail(400, "invalid", "The StructureDefinition has neither a snapshot nor a differential");
  conformance_lookup known(scope);
  auto made = make_snapshot(definition, [&](std::string_view canonical) { return known.find("StructureDefinition", canonical); });
  // The reference says 500 (11.3, 23); what is wrong is the definition.
  if (!made) return std::unexpected(op_fault{422, operation_outcome(made.error()), {}, {}});
  return with_snapshot(definition, *std::move(made));
}

op_result<base::json> stored_snapshot(const op_scope& scope, base::uuid id) {
  const auto stored = OP_PASS(DSF_MUTANT("fhir.snapshot_of_unreadable") ? [&]() -> op_result<stored_resource> {
    auto found = OP_TRY(scope.view.current("StructureDefinition", id));
    if (!found) return op_fail(404);
    return std::move(*found);
  }()
                                                                        : read_version(scope, "StructureDefinition", id, {}));
  return snapshot_of(scope, OP_TRY(base::json::parse(*stored.bytes)));
}

op_result<base::json> snapshot_by_url(const op_scope& scope, const std::string& url) {
  const auto query = parse_search("StructureDefinition", {{"url", url}}, scope.context.config.base_url);
  if (query.conditions.empty()) return op_fail(400, "invalid", "The parameter 'url' is empty");
  const auto found = OP_TRY(find_matches(query, scope.searching(true)));
  const auto newest = std::ranges::max_element(found, {}, &stored_resource::last_updated);
  if (newest == found.end()) return op_fail(404);
  return snapshot_of(scope, OP_TRY(base::json::parse(*newest->bytes)));
}

op_result<base::json> run(const interaction_request& request, const op_scope& scope, std::optional<base::uuid> id) {
  if (id) return stored_snapshot(scope, *id);
  const auto input = OP_PASS(read_input(request, "", {"url", "resource"}));
  const auto* url = input.value("url");
  const auto* resource = input.resource_named("resource");
  if (!url == !resource) return op_fail(400, "invalid", "Give either the parameter 'url' or the parameter 'resource'");
  if (url) return snapshot_by_url(scope, *url);
  if (resource->value["resourceType"].str() != "StructureDefinition")
    return op_fail(400, "invalid", "The parameter 'resource' is not a StructureDefinition");
  if (has_errors(resource->issues)) return std::unexpected(op_fault{400, operation_outcome(resource->issues), {}, {}});
  return snapshot_of(scope, resource->value);
}

}  // namespace

prepared prepare_snapshot(const interaction_request& request, const interaction_context& context, const answerer& answer,
                          std::optional<base::uuid> id) {
  auto made = run(request, scope_of(context), id);
  if (!made) return answer.stop(std::move(made).error());
  auto r = answer.empty(200);
  r.body = *std::move(made);
  return {std::move(r), {}};
}

}  // namespace dsf::fhir
