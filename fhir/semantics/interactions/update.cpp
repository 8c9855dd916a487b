// PUT /T/{id} and PUT /T?query (dsf-fhir-server 3.4, 3.7); PATCH /T/{id} (R4 http.html 3.1.0.5, not in DSF).
#include <fmt/format.h>

#include <set>

#include "base/mutant.hpp"
#include "fhir/codec/json.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/patch/fhirpath_patch.hpp"
#include "fhir/semantics/references/references.hpp"

namespace dsf::fhir {
namespace {

prepared commit_one(const interaction_context& context, const answerer& answer, planned_write planned, int status,
                    std::vector<index_range> watched) {
  pending_commit out;
  out.after = [answer, status, stored = planned.write.body](const std::vector<written>& w) {
    return answer.stored(status, w.at(0), stored);
  };
  out.writes.writes.push_back(std::move(planned.write));
  out.writes.unchanged = std::move(watched);
  out.writes.snapshot_sequence = context.view.sequence();
  out.external_checks = std::move(planned.external);
  return {std::move(out), {}};
}

// Targets elsewhere that the version before referred to as well were asked for then; a server that is away just now does not stop the update.
op_result<void> leave_out_known(const stored_resource& before, std::vector<external_reference>& external) {
  if (external.empty() || DSF_MUTANT("fhir.known_references_asked_again")) return {};
  if (!before.bytes) return {};
  auto old = OP_TRY(base::json::parse(*before.bytes));
  std::set<std::string, std::less<>> known;
  for (const auto& r : find_references(old)) known.emplace(r.text());
  std::erase_if(external, [&](const external_reference& e) { return known.contains(e.reference); });
  return {};
}

prepared update_to(const interaction_context& context, const answerer& answer, const stored_resource& before, request_body body,
                   std::vector<index_range> watched) {
  const auto scope = scope_of(context);
  if (auto admitted = admit_change(scope, before, body.resource, body.issues); !admitted) return answer.stop(std::move(admitted).error());
  auto planned = plan_write(scope, std::move(body.resource), before.id, resource_write::kind::update, before.version);
  if (!planned) return answer.stop(std::move(planned).error());
  if (auto left = leave_out_known(before, planned->external); !left) return answer.stop(std::move(left).error());
  return commit_one(context, answer, std::move(*planned), 200, std::move(watched));
}

}  // namespace

prepared prepare_update(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type, base::uuid id) {
  auto body = read_body(request, type);
  if (!body) return answer.stop(std::move(body).error());
  const auto* body_id = body->resource["id"].if_string();
  if (!body_id || *body_id != id.to_string())
    return {answer.outcome(400, "error", "processing",
                           fmt::format("Path id not equal to {} id ({} vs. {})", type, id.to_string(), body_id ? *body_id : "null")),
            {}};
  auto before = update_base(scope_of(context), type, id, request.if_match);
  if (!before) return answer.stop(std::move(before).error());
  return update_to(context, answer, *before, std::move(*body), {});
}

prepared prepare_patch(const interaction_request& request, const interaction_context& context, const answerer& answer,
                       std::string_view type, base::uuid id) {
  const auto scope = scope_of(context);
  const auto content = request.content_type.value_or("");
  const bool is_json_patch = content.substr(0, content.find(';')) == "application/json-patch+json";
  base::json patch;
  if (is_json_patch) {
    auto parsed = base::json::parse(request.body);
    if (!parsed) return {answer.outcome(400, "error", "structure", "The JSON Patch is no JSON: " + parsed.error().to_string()), {}};
    patch = std::move(*parsed);
  } else {
    auto body = read_body(request, "Parameters");
    if (!body) return answer.stop(std::move(body).error());
    patch = std::move(body->resource);
  }
  auto before = update_base(scope, type, id, request.if_match);
  if (!before) return answer.stop(std::move(before).error());
  // What a patch tests and where it fails tells of the content: the rights come first, and once more with the result.
  const auto& who = context.who;
  if (!DSF_MUTANT("fhir.patch_before_rights") &&
      (!who.local || !who.may(operation::update, type) || !may_read(*before, who, context.allow_list, context.view)))
    return answer.stop(op_denied("update", fmt::format("{} may not read and update {}/{}", who.name(), type, id.to_string())).error());
  auto current = base::json::parse(*before->bytes);
  if (!current) return answer.stop(op_store_error(current.error()).error());
  auto patched = is_json_patch ? apply_json_patch(std::move(*current), patch) : apply_fhirpath_patch(std::move(*current), patch);
  if (!patched)
    return {answer.outcome(patched.error().status, "error", patched.error().status == 400 ? "invalid" : "processing", patched.error().text),
            {}};
  // From here on it is an update that sends the patched resource.
  auto read = read_json(patched->dump());
  if (!read.resource.is_object() || (!read.ok() && read.code != errc::invalid_resource))
    return {answer.outcome(422, "error", "processing", "What the patch leaves is no resource"), {}};
  if (read.resource["resourceType"].str() != type || read.resource["id"].str() != id.to_string())
    return {answer.outcome(422, "error", "processing", "A patch can change neither the type nor the id of a resource"), {}};
  return update_to(context, answer, *before, {std::move(read.resource), std::move(read.issues)}, {});
}

prepared prepare_conditional_update(const interaction_request& request, const interaction_context& context, const answerer& answer,
                                    std::string_view type) {
  auto body = read_body(request, type);
  if (!body) return answer.stop(std::move(body).error());
  const auto scope = scope_of(context);
  std::string shown;
  query_list query;
  for (const auto& [name, value] : request.query) {
    if (name == "_format" || name == "_pretty") continue;
    shown += (shown.empty() ? "" : "&") + name + "=" + value;
    query.emplace_back(name, value);
  }
  auto match = match_condition(scope, type, query, false, [&](const std::string& what) {
    return fmt::format("Bad request '{}', unsupported query parameter {}", shown, what);
  });
  if (!match) return answer.stop(std::move(match).error());
  if (match->found.size() > 1)
    return {answer.outcome(412, "error", "multiple-matches", fmt::format("Multiple {} resources with criteria '{}' exist", type, shown)),
            {}};
  const auto* body_id = body->resource["id"].if_string();
  if (match->found.size() == 1) {
    const auto& before = match->found[0];
    if (body_id && *body_id != before.id.to_string())
      return {answer.outcome(400, "error", "processing",
                             fmt::format("Bad request Id {} does not match db Id {}", *body_id, before.id.to_string())),
              {}};
    auto base = update_base(scope, type, before.id, request.if_match);
    if (!base) return answer.stop(std::move(base).error());
    return update_to(context, answer, *base, std::move(*body), std::move(match->watched));
  }
  if (body_id) return {answer.outcome(405, "error", "processing", "Update as create not allowed"), {}};
  if (auto admitted = admit_new(scope, body->resource, body->issues); !admitted) return answer.stop(std::move(admitted).error());
  auto planned = plan_write(scope, std::move(body->resource), base::uuid::random(context.entropy), resource_write::kind::create, 0);
  if (!planned) return answer.stop(std::move(planned).error());
  return commit_one(context, answer, std::move(*planned), 201, std::move(match->watched));
}

}  // namespace dsf::fhir
