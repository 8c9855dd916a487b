// GET and HEAD /T/{id}, /T/{id}/_history/{version} (dsf-fhir-server 3.4, 3.5).
#include <algorithm>

#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/elements.hpp"

namespace dsf::fhir {
namespace {

std::int64_t seconds(base::timestamp t) { return t.us / base::us_per_s; }

// RFC 9110 13.1.1: a star stands for whatever there is.
bool is_any(std::string_view header) { return header.find_first_not_of(" *") == header.npos && header.find('*') != header.npos; }

std::vector<std::string> elements_asked(const interaction_request& request) {
  for (const auto& [name, value] : request.query)
    if (name == "_elements") return element_names(value);
  return {};
}

// The status that a precondition asks for; nothing: answer with the resource.
std::optional<int> precondition_status(const interaction_request& request, const stored_resource& stored) {
  if (request.if_match && !is_any(*request.if_match)) {
    const auto tags = tag_versions(*request.if_match, true);
    if (std::ranges::find(tags, stored.version) == tags.end()) return 412;
  }
  if (request.if_unmodified_since) {
    const auto since = parse_http_date(*request.if_unmodified_since);
    // RFC 9110 13.1.4; the reference wants the same second.
    if (since && seconds(stored.last_updated) > seconds(*since)) return 412;
  }
  if (request.if_none_match) {
    if (is_any(*request.if_none_match)) return 304;
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
  if (const auto names = elements_asked(request); !names.empty() && !status) {
    const auto resource = base::json::parse(*stored->bytes);
    if (!resource) return answer.stop(op_store_error(resource.error()).error());
    stored->bytes = std::make_shared<const std::string>(only_elements(*resource, names).dump());
  }
  auto r = status ? answer.empty(*status) : answer.bytes(200, stored->bytes);
  if (status != 412) answer.version_headers(r, type, id, stored->version, stored->last_updated, false);
  return {std::move(r), {}};
}

}  // namespace dsf::fhir
