// DELETE /T/{id} and DELETE /T?query (dsf-fhir-server 3.4, 3.7).
#include <fmt/format.h>

#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {
namespace {

prepared remove_one(const interaction_context& context, const answerer& answer, std::string_view type, base::uuid id,
                    std::vector<index_range> watched) {
  auto planned = plan_remove(scope_of(context), type, id);
  if (!planned) return answer.stop(std::move(planned).error());
  auto done = answer.outcome(200, "information", "informational", removed_text(type, id));
  if (!planned->write) return {std::move(done), {}};
  pending_commit out;
  out.writes.writes.push_back(std::move(*planned->write));
  out.writes.unchanged = std::move(watched);
  out.writes.snapshot_sequence = context.view.sequence();
  out.after = [done](const std::vector<written>&) { return done; };
  return {std::move(out), {}};
}

}  // namespace

prepared prepare_remove(const interaction_request&, const interaction_context& context, const answerer& answer, std::string_view type,
                        base::uuid id) {
  return remove_one(context, answer, type, id, {});
}

prepared prepare_conditional_remove(const interaction_request& request, const interaction_context& context, const answerer& answer,
                                    std::string_view type) {
  std::string shown;
  query_list query;
  for (const auto& [name, value] : request.query) {
    if (name == "_format" || name == "_pretty") continue;
    shown += (shown.empty() ? "" : "&") + name + "=" + value;
    query.emplace_back(name, value);
  }
  auto match = match_condition(scope_of(context), type, query, true, [&](const std::string& what) {
    return fmt::format("Bad request '{}', unsupported query parameter {}", shown, what);
  });
  if (!match) return answer.stop(std::move(match).error());
  if (match->found.empty()) return {answer.empty(204), {}};
  if (match->found.size() > 1)
    return {answer.outcome(412, "error", "multiple-matches", fmt::format("Multiple {} resources with criteria '{}' exist", type, shown)),
            {}};
  return remove_one(context, answer, type, match->found[0].id, std::move(match->watched));
}

}  // namespace dsf::fhir
