#include "fhir/semantics/interactions/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fhir/codec/json.hpp"
#include "fhir/codec/xml.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/operation_outcome.hpp"
#include "fhir/semantics/refusal.hpp"

namespace dsf::fhir {

using namespace std::string_view_literals;

std::optional<bool> body_is_xml(const std::optional<std::string>& content_type) {
  const auto type = content_type ? std::string_view(*content_type) : std::string_view{};
  std::string held(type.substr(0, type.find(';')));
  while (!held.empty() && held.back() == ' ') held.pop_back();
  std::ranges::transform(held, held.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const auto t : {"application/fhir+json"sv, "application/json+fhir"sv, "application/json"sv})
    if (held == t) return false;
  for (const auto t : {"application/fhir+xml"sv, "application/xml+fhir"sv, "application/xml"sv})
    if (held == t) return true;
  return {};
}

// dsf-fhir-server 3.3; several preferences in one header are accepted too (11.1, 5).
preferences parse_prefer(const std::optional<std::string>& header) {
  preferences out;
  if (!header) return out;
  std::string_view rest = *header;
  while (!rest.empty()) {
    const auto end = rest.find_first_of(",;");
    auto one = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    if (one == "return=minimal")
      out.back = prefer_return::minimal;
    else if (one == "return=OperationOutcome")
      out.back = prefer_return::operation_outcome;
    else if (one == "return=representation")
      out.back = prefer_return::representation;
    else if (one == "handling=strict")
      out.strict = true;
    else if (one == "handling=lenient")
      out.strict = false;
  }
  return out;
}

const std::string* reply::header(std::string_view name) const {
  for (const auto& [n, value] : headers)
    if (n == name) return &value;
  return nullptr;
}

reply answerer::empty(int status) const {
  reply r;
  r.status = status;
  r.media_type = format_.media_type;
  r.xml = format_.xml;
  r.html = format_.html;
  r.pretty = format_.pretty;
  r.summary = format_.summary;
  r.head_only = head_;
  r.headers = {{"Cache-Control", "no-cache, no-transform, private"}, {"Vary", "Accept"}};
  return r;
}

reply answerer::outcome(int status, base::json operation_outcome) const {
  auto r = empty(status);
  r.summary.clear();
  r.body = std::move(operation_outcome);
  return r;
}

reply answerer::outcome(int status, std::string_view severity, std::string_view code, std::string text) const {
  return outcome(status, operation_outcome(severity, code, std::move(text)));
}

reply answerer::bytes(int status, std::shared_ptr<const std::string> json) const {
  auto r = empty(status);
  r.body = std::move(json);
  return r;
}

reply answerer::fault(op_fault f) const {
  auto r = f.outcome ? outcome(f.status, std::move(*f.outcome)) : empty(f.status);
  for (auto& h : f.headers) r.headers.push_back(std::move(h));
  return r;
}

prepared answerer::stop(op_fault f) const {
  auto denials = std::move(f.denials);
  return {fault(std::move(f)), std::move(denials)};
}

void answerer::version_headers(reply& r, std::string_view type, base::uuid id, std::uint64_t version, base::timestamp last_updated,
                               bool location) const {
  r.headers.emplace_back("ETag", format_.html ? fmt::format("W/\"h{}\"", version) : weak_tag(version));
  r.headers.emplace_back("Last-Modified", base::to_http_date(last_updated));
  if (location) r.headers.emplace_back("Location", fmt::format("{}/{}/{}/_history/{}", base_url_, type, id.to_string(), version));
}

reply answerer::stored(int status, const written& w, const storable& body) const {
  auto r = empty(status);
  version_headers(r, w.type, w.id, w.version, w.last_updated, true);
  if (prefer_.back == prefer_return::representation) {
    r.body = std::make_shared<const std::string>(splice(body, w.version, w.last_updated));
  } else if (prefer_.back == prefer_return::operation_outcome) {
    r.body = operation_outcome("information", "informational",
                               fmt::format("{} {} at location {}", w.type, status == 201 ? "created" : "updated", *r.header("Location")));
  }
  return r;
}

op_result<request_body> read_body(const interaction_request& request, std::string_view type) {
  const auto xml = body_is_xml(request.content_type);
  if (!xml) return op_fail(415);
  auto read = *xml ? read_xml(request.body) : read_json(request.body);
  const auto unreadable = [] { return op_fail(403, "structure", "Unable to parse resource"); };
  if (!read.resource.is_object() || (!read.ok() && read.code != errc::invalid_resource)) {
    auto fault = unreadable();
    if (!read.issues.empty()) fault.error().denials.push_back(read.issues[0].expression + ": " + read.issues[0].text);
    return fault;
  }
  if (!type.empty() && read.resource["resourceType"].str() != type) {
    auto fault = unreadable();
    fault.error().denials.push_back(fmt::format("the body is a {}, not a {}", read.resource["resourceType"].str(), type));
    return fault;
  }
  return request_body{std::move(read.resource), std::move(read.issues)};
}

reply conflict_reply(commit_conflict why, const interaction_request& request, const interaction_context& context, std::string_view type,
                     std::string_view id, std::uint64_t expected, std::uint64_t current) {
  const answerer answer(request, context.config,
                        negotiate(request).value_or(answer_format{"application/fhir+xml", true, false, false, {}}));
  switch (why) {
    case commit_conflict::duplicate: return answer.outcome(403, "error", "duplicate", fmt::format("Duplicate {} resources exist", type));
    case commit_conflict::version:
      return answer.outcome(412, "error", "processing",
                            fmt::format("Resource with id {} expected version {} does not match latest version {}", id, expected, current));
    case commit_conflict::changed: break;
  }
  return answer.outcome(412, "error", "conflict",
                        fmt::format("{} resources changed while the condition was evaluated; send the request again", type));
}

reply unavailable_reply(const interaction_request& request, const endpoint_config& config, std::string why, int retry_after_s) {
  const answerer answer(request, config, negotiate(request).value_or(answer_format{"application/fhir+xml", true, false, false, {}}));
  auto r = answer.outcome(503, "error", "transient", std::move(why));
  r.headers.emplace_back("Retry-After", fmt::format("{}", retry_after_s));
  return r;
}

reply refusal_reply(const interaction_request& request, int status, std::string_view code, std::string text) {
  const answerer answer(request, {}, negotiate(request).value_or(answer_format{"application/fhir+xml", true, false, false, {}}));
  return answer.outcome(status, "error", code, std::move(text));
}

// dsf-fhir-server 4.2
std::optional<reply> external_reference_reply(const external_reference& r, int status, const interaction_request& request,
                                              const interaction_context& context) {
  if (status == 200) return {};
  const answerer answer(request, context.config,
                        negotiate(request).value_or(answer_format{"application/fhir+xml", true, false, false, {}}));
  const auto what = fmt::format("Reference target {} of reference at {} in resource of type {} with id {}", r.reference, r.path,
                                r.source_type, r.source_id);
  return answer.outcome(403, "error", "processing",
                        status == 404 ? fmt::format("{} not found on server {}", what, r.base)
                                      : fmt::format("{} could not be resolved on server {} (reason hidden)", what, r.base));
}

}  // namespace dsf::fhir
