// GET /T/{id}/_history, /T/_history and /_history (dsf-fhir-server 3.8).
#include <fmt/format.h>

#include <algorithm>

#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/history_page.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/operation_outcome.hpp"

namespace dsf::fhir {
namespace {

history_query parse(const interaction_request& request, const endpoint_config& config) {
  history_query out;
  query_list rest;
  for (const auto& [name, value] : request.query) {
    if (name == "_since") {
      const auto range = parse_date_range(value, config.zone_offset_minutes);
      if (range)
        out.since_us = range->from, out.shown.emplace_back(name, value);
      else
        out.errors.push_back({search_fault::unparsable_value, name, {}, value});
    } else if (name == "_at") {
      // _at has the form of _lastUpdated.
      auto parsed = parse_search("", {{"_lastUpdated", value}}, config.base_url, config.zone_offset_minutes);
      if (!parsed.conditions.empty()) {
        out.shown.emplace_back(name, parsed.conditions[0].value);
        out.at.push_back(std::move(parsed.conditions[0]));
      } else {
        out.errors.push_back({search_fault::unparsable_value, name, {}, value});
      }
    } else if (name == "_page" || name == "_count" || name == "_format" || name == "_pretty" || name == "_summary") {
      rest.emplace_back(name, value);
    } else {
      out.errors.push_back({search_fault::unsupported_parameter, name, fmt::format("Query parameter `{}` not supported", name), {}});
    }
  }
  std::ranges::stable_sort(out.shown, {}, &std::pair<std::string, std::string>::first);
  auto paging = parse_search("", rest, config.base_url);
  out.page = std::max<std::int64_t>(0, paging.page.value_or(1));
  out.count = paging.summary_count ? 0 : std::max<std::int64_t>(0, paging.count.value_or(config.page_count));
  if (out.page * out.count > 2'147'483'647) out.page = 1, out.count = config.page_count;
  out.format = paging.format;
  out.pretty = paging.pretty;
  out.summary = paging.summary;
  std::ranges::move(paging.errors, std::back_inserter(out.errors));
  return out;
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

// 3.8: links as in a search.
class history_links {
public:
  history_links(std::string path, const history_query& query) : path_(std::move(path)), query_(query) {}

  base::json link(std::string_view relation, std::optional<std::int64_t> page) const {
    std::string url = path_;
    char separator = '?';
    const auto add = [&](std::string_view name, std::string_view value) {
      url += fmt::format("{}{}={}", separator, name, percent_encoded(value));
      separator = '&';
    };
    for (const auto& [name, value] : query_.shown) add(name, value);
    if (page) add("_page", std::to_string(*page));
    add("_count", std::to_string(page ? query_.count : 0));
    if (!query_.format.empty()) add("_format", query_.format);
    if (!query_.pretty.empty()) add("_pretty", query_.pretty);
    if (!query_.summary.empty()) add("_summary", query_.summary);
    base::json out;
    out.set("relation", relation);
    out.set("url", std::move(url));
    return out;
  }

private:
  std::string path_;
  const history_query& query_;
};

op_result<base::json> history_bundle(const op_scope& scope, const history_query& query, const history_page& page, std::string path) {
  const auto& config = scope.context.config;
  const auto last = query.count > 0 ? (page.total + query.count - 1) / query.count : 0;
  const bool count_only = query.page < 1 || query.count < 1 || query.page > last;
  base::json out;
  out.set("resourceType", "Bundle");
  out.set("type", "history");
  out.set("timestamp", base::to_iso(scope.context.now));
  out.set("total", page.total);
  const history_links to(config.base_url + path, query);
  auto& links = out.set("link", base::json(base::json::array{}));
  links.push_back(to.link("self", count_only ? std::nullopt : std::optional(query.page)));
  if (!count_only && query.page > 1) links.push_back(to.link("first", 1)), links.push_back(to.link("previous", query.page - 1));
  if (!count_only && query.page < last) links.push_back(to.link("next", query.page + 1)), links.push_back(to.link("last", last));
  base::json::array entries;
  for (const auto& s : page.rows) {
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

template <class Find>
prepared history(const interaction_request& request, const interaction_context& context, const answerer& answer, std::string path,
                 Find&& find) {
  const auto scope = scope_of(context);
  const auto query = parse(request, context.config);
  if (answer.prefer().strict && !query.errors.empty()) return {answer.outcome(400, "error", "processing", error_text(query.errors)), {}};
  auto page = find(scope, query);
  if (!page) return answer.stop(std::move(page).error());
  auto bundle = history_bundle(scope, query, *page, std::move(path));
  if (!bundle) return answer.stop(std::move(bundle).error());
  auto r = answer.empty(200);
  r.body = std::move(*bundle);
  return {std::move(r), {}};
}

}  // namespace

prepared prepare_history(const interaction_request& request, const interaction_context& context, const answerer& answer,
                         std::string_view type, base::uuid id) {
  if (auto denied = deny_history(scope_of(context).rules(), type)) return answer.stop(op_denied("history", std::move(*denied)).error());
  return history(request, context, answer, fmt::format("/{}/{}/_history", type, id.to_string()),
                 [&](const op_scope& scope, const history_query& query) { return history_of_resource(scope, type, id, query); });
}

prepared prepare_type_history(const interaction_request& request, const interaction_context& context, const answerer& answer,
                              std::string_view type) {
  if (auto denied = deny_history(scope_of(context).rules(), type)) return answer.stop(op_denied("history", std::move(*denied)).error());
  return history(request, context, answer, fmt::format("/{}/_history", type),
                 [&](const op_scope& scope, const history_query& query) { return history_of_types(scope, {type}, query); });
}

// 1.7.4: any HISTORY role opens it; what each type shows is decided by type.
prepared prepare_system_history(const interaction_request& request, const interaction_context& context, const answerer& answer) {
  const auto& who = context.who;
  if (std::ranges::none_of(names::served_types, [&](std::string_view t) { return who.may(operation::history, t); }))
    return answer.stop(op_denied("history", who.name() + " has no role HISTORY").error());
  return history(request, context, answer, "/_history", [&](const op_scope& scope, const history_query& query) {
    return history_of_types(scope, {names::served_types.begin(), names::served_types.end()}, query);
  });
}

}  // namespace dsf::fhir
