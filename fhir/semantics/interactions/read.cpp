// GET and HEAD /T/{id}, /T/{id}/_history/{version} (dsf-fhir-server 3.4, 3.5).
#include <algorithm>

#include "fhir/semantics/interactions/answer.hpp"

namespace dsf::fhir {
namespace {

std::int64_t seconds(base::timestamp t) { return t.us / base::us_per_s; }

// The status that a precondition asks for; nothing: answer with the resource.
std::optional<int> precondition_status(const interaction_request& request, const stored_resource& stored) {
  if (request.if_match) {
    const auto tags = tag_versions(*request.if_match, true);
    if (std::ranges::find(tags, stored.version) == tags.end()) return 412;
  }
  if (request.if_unmodified_since) {
    const auto since = parse_http_date(*request.if_unmodified_since);
    if (since && seconds(*since) != seconds(stored.last_updated)) return 412;
  }
  if (request.if_none_match) {
    const auto tags = tag_versions(*request.if_none_match, true);
    if (std::ranges::find(tags, stored.version) != tags.end()) return 304;
  } else if (request.if_modified_since) {
    const auto since = parse_http_date(*request.if_modified_since);
    if (since && seconds(stored.last_updated) <= seconds(*since)) return 304;
  }
  return {};
}

}  // namespace

prepared prepare_read(const interaction_request& request, const interaction_context& context, const answerer& answer, std::string_view type,
                      base::uuid id, std::optional<std::uint64_t> version) {
  auto stored = read_version(scope_of(context), type, id, version);
  if (!stored) return answer.stop(std::move(stored).error());
  const auto status = precondition_status(request, *stored);
  auto r = status ? answer.empty(*status) : answer.bytes(200, stored->bytes);
  if (status != 412) answer.version_headers(r, type, id, stored->version, stored->last_updated, false);
  return {std::move(r), {}};
}

}  // namespace dsf::fhir
