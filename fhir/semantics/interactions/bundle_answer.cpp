#include "fhir/semantics/interactions/bundle_answer.hpp"

#include <fmt/format.h>

#include "fhir/semantics/operation_outcome.hpp"

namespace dsf::fhir {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
  }
}

std::string status_text(int status) { return fmt::format("{} {}", status, reason(status)); }

}  // namespace

std::string entry_text(const entry_answer& a, const answerer& answer, const endpoint_config& config, const std::vector<written>& commits) {
  const auto version = a.write ? commits.at(*a.write).version : a.version;
  const auto time = a.write ? commits.at(*a.write).last_updated : a.last_updated;
  const auto back = answer.prefer().back;
  std::string out = "{";
  base::json response;
  response.set("status", status_text(a.status));
  if (a.has_version) {
    out += fmt::format("\"fullUrl\":\"{}/{}/{}\",", config.base_url, a.type, a.id.to_string());
    const auto location = location_of(config, a.type, a.id, version);
    response.set("location", location);
    response.set("etag", weak_tag(version));
    response.set("lastModified", base::to_iso(time));
    if (a.write && a.show_resource && a.status != 304 && back == prefer_return::operation_outcome)
      response.set("outcome",
                   operation_outcome("information", "informational",
                                     fmt::format("{} {} at location {}", a.type, a.status == 201 ? "created" : "updated", location)));
  }
  if (a.outcome) response.set("outcome", *a.outcome);
  if (a.write && a.show_resource && back == prefer_return::representation)
    out += "\"resource\":" + splice(a.body, version, time) + ",";
  else if (!a.resource.empty())
    out += "\"resource\":" + a.resource + ",";
  return out + "\"response\":" + response.dump() + "}";
}

std::string failed_entry_text(const reply& r) {
  base::json response;
  response.set("status", status_text(r.status));
  if (const auto* tag = r.header("ETag")) response.set("etag", *tag);
  if (const auto* location = r.header("Location")) response.set("location", *location);
  if (const auto* outcome = std::get_if<base::json>(&r.body))
    response.set("outcome", *outcome);
  else if (r.status >= 500)
    response.set("outcome", operation_outcome("error", "exception", "Error while executing batch bundle element"));
  return "{\"response\":" + response.dump() + "}";
}

reply bundle_reply(std::string_view type, const std::vector<std::string>& entries, const answerer& answer) {
  auto out = fmt::format(R"({{"resourceType":"Bundle","type":"{}")", type);
  if (!entries.empty()) out += fmt::format(",\"entry\":[{}]", fmt::join(entries, ","));
  out += '}';
  return answer.bytes(200, std::make_shared<const std::string>(std::move(out)));
}

}  // namespace dsf::fhir
