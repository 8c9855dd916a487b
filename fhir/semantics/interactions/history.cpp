// GET /T/{id}/_history (dsf-fhir-server 3.8).
#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/access.hpp"
#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/operation_outcome.hpp"

namespace dsf::fhir {
namespace {

struct history_query {
  std::int64_t page = 1, count = 20;
  std::optional<std::int64_t> since_us;
  std::vector<search_condition> at;
  std::vector<search_error> errors;
  std::string format, pretty;
};

history_query parse(const interaction_request& request, const endpoint_config& config) {
  history_query out;
  query_list rest;
  for (const auto& [name, value] : request.query) {
    if (name == "_since") {
      const auto range = parse_date_range(value, config.zone_offset_minutes);
      if (range)
        out.since_us = range->from;
      else
        out.errors.push_back({search_fault::unparsable_value, name, {}, value});
    } else if (name == "_at") {
      // _at has the form of _lastUpdated.
      auto parsed = parse_search("", {{"_lastUpdated", value}}, config.base_url, config.zone_offset_minutes);
      if (!parsed.conditions.empty())
        out.at.push_back(std::move(parsed.conditions[0]));
      else
        out.errors.push_back({search_fault::unparsable_value, name, {}, value});
    } else if (name == "_page" || name == "_count" || name == "_format" || name == "_pretty" || name == "_summary") {
      rest.emplace_back(name, value);
    } else {
      out.errors.push_back({search_fault::unsupported_parameter, name, fmt::format("Query parameter `{}` not supported", name), {}});
    }
  }
  auto paging = parse_search("", rest, config.base_url);
  out.page = std::max<std::int64_t>(0, paging.page.value_or(1));
  out.count = paging.summary_count ? 0 : std::max<std::int64_t>(0, paging.count.value_or(config.page_count));
  if (out.page * out.count > 2'147'483'647) out.page = 1, out.count = config.page_count;
  out.format = paging.format;
  out.pretty = paging.pretty;
  std::ranges::move(paging.errors, std::back_inserter(out.errors));
  return out;
}

bool wanted(const history_query& query, const stored_resource& stored, const op_scope& scope) {
  if (query.since_us && stored.last_updated.us < *query.since_us) return false;
  search_query held;
  held.type = stored.type;
  held.conditions = query.at;
  auto live = stored;
  live.deleted = false;
  const auto met = matches(held, live, base::json{}, scope.searching(false));
  return met && *met;
}

base::json entry_of(const stored_resource& s, const endpoint_config& config) {
  const auto id = s.id.to_string();
  const auto location = location_of(config, s.type, s.id, s.version);
  base::json entry, request, response;
  entry.set("fullUrl", fmt::format("{}/{}/{}", config.base_url, s.type, id));
  request.set("method", s.deleted ? "DELETE" : s.version == 1 ? "POST" : "PUT");
  request.set("url", s.deleted ? fmt::format("{}/{}/_history/{}", s.type, id, s.version) : s.type);
  response.set("status", s.version == 1 && !s.deleted ? "201 Created" : "200 OK");
  response.set("location", location);
  response.set("etag", weak_tag(s.version));
  response.set("lastModified", base::to_iso(s.last_updated));
  entry.set("request", std::move(request));
  entry.set("response", std::move(response));
  return entry;
}

base::json link_of(std::string_view relation, std::string url) {
  base::json out;
  out.set("relation", relation);
  out.set("url", std::move(url));
  return out;
}

op_result<base::json> history_bundle(const op_scope& scope, const history_query& query, std::string_view type, base::uuid id) {
  const auto& config = scope.context.config;
  constexpr std::size_t max_versions = 100'000;
  std::vector<stored_resource> rows;
  for (auto& s : OP_TRY(scope.view.history(type, id, max_versions)))
    if (may_find(s, scope.context.who, scope.allow_list, scope.view) && wanted(query, s, scope)) rows.push_back(std::move(s));
  const auto total = static_cast<std::int64_t>(rows.size());
  const auto last = query.count > 0 ? (total + query.count - 1) / query.count : 0;
  const bool count_only = query.page < 1 || query.count < 1 || query.page > last;
  const auto url = [&](std::optional<std::int64_t> page) {
    return fmt::format("{}/{}/{}/_history?{}_count={}{}{}", config.base_url, type, id.to_string(),
                       page ? fmt::format("_page={}&", *page) : "", page ? query.count : 0,
                       query.format.empty() ? "" : "&_format=" + percent_encoded(query.format),
                       query.pretty.empty() ? "" : "&_pretty=" + percent_encoded(query.pretty));
  };
  base::json out;
  out.set("resourceType", "Bundle");
  out.set("type", "history");
  out.set("timestamp", base::to_iso(scope.context.now));
  out.set("total", total);
  auto& links = out.set("link", base::json(base::json::array{}));
  links.push_back(link_of("self", url(count_only ? std::nullopt : std::optional(query.page))));
  if (!count_only && query.page > 1) links.push_back(link_of("first", url(1))), links.push_back(link_of("previous", url(query.page - 1)));
  if (!count_only && query.page < last) links.push_back(link_of("next", url(query.page + 1))), links.push_back(link_of("last", url(last)));
  base::json::array entries;
  for (auto i = (query.page - 1) * query.count; !count_only && i < std::min(total, query.page * query.count); ++i) {
    const auto& s = rows[static_cast<std::size_t>(i)];
    auto entry = entry_of(s, config);
    if (s.bytes) entry.set("resource", OP_TRY(base::json::parse(*s.bytes)));
    entries.push_back(std::move(entry));
  }
  if (!query.errors.empty()) {
    base::json entry, mode;
    entry.set("resource", operation_outcome("warning", "processing", error_text(query.errors)));
    mode.set("mode", "outcome");
    entry.set("search", std::move(mode));
    entries.push_back(std::move(entry));
  }
  if (!entries.empty()) out.set("entry", std::move(entries));
  return out;
}

}  // namespace

prepared prepare_history(const interaction_request& request, const interaction_context& context, const answerer& answer,
                         std::string_view type, base::uuid id) {
  const auto scope = scope_of(context);
  if (auto denied = deny_history(scope.rules(), type)) return answer.stop(op_denied("history", std::move(*denied)).error());
  const auto query = parse(request, context.config);
  if (answer.prefer().strict && !query.errors.empty()) return {answer.outcome(400, "error", "processing", error_text(query.errors)), {}};
  auto bundle = history_bundle(scope, query, type, id);
  if (!bundle) return answer.stop(std::move(bundle).error());
  auto r = answer.empty(200);
  r.body = std::move(*bundle);
  return {std::move(r), {}};
}

}  // namespace dsf::fhir
