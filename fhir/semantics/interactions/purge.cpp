// POST /T/{id}/$permanent-delete (dsf-fhir-server 1.7.1, 3.4): every version of a deleted resource goes.
#include <fmt/format.h>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {
namespace {

op_result<resource_write> plan_purge(const op_scope& scope, std::string_view type, base::uuid id) {
  const auto stored = OP_TRY(scope.view.current(type, id));
  if (!stored) return op_fail(404, "processing", fmt::format("{} with id {} not found", type, id.to_string()));
  if (auto denied = OP_TRY(deny_purge(scope.rules(), *stored))) return op_denied("permanent-delete", std::move(*denied));
  if (!stored->deleted && !DSF_MUTANT("fhir.purges_what_lives"))
    return op_fail(400, "processing", fmt::format("{} with id {} is not marked deleted", type, id.to_string()));
  resource_write out;
  out.what = resource_write::kind::purge;
  out.type = type;
  out.id = id;
  out.expected_version = stored->version;
  return out;
}

}  // namespace

prepared prepare_purge(const interaction_context& context, const answerer& answer, std::string_view type, base::uuid id) {
  auto planned = plan_purge(scope_of(context), type, id);
  if (!planned) return answer.stop(std::move(planned).error());
  pending_commit out;
  out.writes.writes.push_back(std::move(*planned));
  out.writes.snapshot_sequence = context.view.sequence();
  out.after = [done = answer.outcome(200, "information", "informational",
                                     fmt::format("{} with id {} permanently deleted", type, id.to_string()))](const std::vector<written>&) {
    return done;
  };
  return {std::move(out), {}};
}

}  // namespace dsf::fhir
