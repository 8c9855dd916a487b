// POST /T, conditional with If-None-Exist (dsf-fhir-server 3.4, 3.6).
#include <fmt/format.h>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {
namespace {

// 3.6, one match
reply existing_reply(const answerer& answer, const stored_resource& found, std::string_view criteria) {
  auto r = answer.outcome(200, "information", "duplicate", fmt::format("Resource with criteria '{}' exists", criteria));
  r.headers = {{"Cache-Control", "no-cache, no-transform, private"}, {"Vary", "Cookie"}};
  answer.version_headers(r, found.type, found.id, found.version, found.last_updated, true);
  return r;
}

}  // namespace

prepared prepare_create(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type) {
  auto body = read_body(request, type);
  if (!body) return answer.stop(std::move(body).error());
  const auto scope = scope_of(context);
  if (auto admitted = admit_new(scope, body->resource, body->issues); !admitted) return answer.stop(std::move(admitted).error());
  std::vector<index_range> watched;
  if (request.if_none_exist) {
    auto none = check_none_exist(scope, type, *request.if_none_exist);
    if (!none) return answer.stop(std::move(none).error());
    if (none->existing && !DSF_MUTANT("fhir.conditional_create_ignores_matches"))
      return {existing_reply(answer, *none->existing, *request.if_none_exist), {}};
    watched = std::move(none->watched);
  }
  auto planned = plan_write(scope, std::move(body->resource), base::uuid::random(context.entropy), resource_write::kind::create, 0);
  if (!planned) return answer.stop(std::move(planned).error());
  pending_commit out;
  out.after = [answer, stored = planned->write.body](const std::vector<written>& w) { return answer.stored(201, w.at(0), stored); };
  out.writes.writes.push_back(std::move(planned->write));
  out.writes.unchanged = std::move(watched);
  out.writes.snapshot_sequence = context.view.sequence();
  out.external_checks = std::move(planned->external);
  return {std::move(out), {}};
}

}  // namespace dsf::fhir
