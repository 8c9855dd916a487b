#include "fhir/semantics/interactions/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/mutant.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/interactions/questionnaire_check.hpp"
#include "fhir/semantics/invariants/invariants.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/operation_outcome.hpp"
#include "fhir/semantics/profiles/profile.hpp"
#include "fhir/semantics/search/index.hpp"

namespace dsf::fhir {
namespace {

// 4.5: everything that an admitted resource is checked against beyond the codec. A Task that becomes failed may have any faults.
op_result<void> validate(const op_scope& scope, const base::json& resource, std::vector<issue> issues, bool ignore_errors) {
  if (ignore_errors) return {};
  std::ranges::move(content_issues(scope, resource), std::back_inserter(issues));
  std::ranges::move(OP_PASS(questionnaire_issues(scope, resource)), std::back_inserter(issues));
  if (has_errors(issues)) return std::unexpected(op_fault{403, operation_outcome(issues), {}, {}});
  return {};
}

op_result<base::json> stored_json(const stored_resource& stored) {
  if (!stored.bytes) return op_fail(500, "exception", "Error while accessing DB");
  return OP_TRY(base::json::parse(*stored.bytes));
}

}  // namespace

std::unexpected<op_fault> op_fail(int status, std::string_view code, std::string diagnostics, std::string_view severity) {
  return std::unexpected(op_fault{status, operation_outcome(severity, code, std::move(diagnostics)), {}, {}});
}
std::unexpected<op_fault> op_fail(int status) { return std::unexpected(op_fault{status, {}, {}, {}}); }

std::unexpected<op_fault> op_denied(std::string_view operation, std::string reason) {
  return std::unexpected(
      op_fault{403, operation_outcome("error", "forbidden", fmt::format("Operation {} forbidden", operation)), {}, {std::move(reason)}});
}

std::unexpected<op_fault> op_store_error(const base::error& error) {
  if (error.kind() == base::error_kind::too_large) return op_fail(403, "too-costly", error.text());
  auto fault = op_fail(500, "exception", "Error while accessing DB");
  fault.error().denials.push_back("store: " + error.to_string());
  return fault;
}

std::vector<issue> content_issues(const op_scope& scope, const base::json& resource) {
  auto out = check_invariants(resource);
  std::ranges::move(check_profiles(resource, scope.conformance), std::back_inserter(out));
  return out;
}

op_scope scope_of(const interaction_context& c) { return {c, c.view, c.allow_list, c.processes, c.conformance, {}, {}}; }

// dsf-fhir-server 3.4, order of work of create, steps 1 to 4
op_result<void> admit_new(const op_scope& scope, base::json& resource, const std::vector<issue>& issues) {
  make_urls_absolute(resource, scope.context.config.base_url);
  if (auto denied = OP_TRY(deny_create(scope.rules(), resource))) return op_denied("create", std::move(*denied));
  if (has_errors(issues)) return std::unexpected(op_fault{403, operation_outcome(issues), {}, {}});
  add_default_profile(resource);
  return validate(scope, resource, issues, false);
}

op_result<void> admit_change(const op_scope& scope, const stored_resource& before, base::json& after, const std::vector<issue>& issues) {
  make_urls_absolute(after, scope.context.config.base_url);
  const auto old = OP_PASS(stored_json(before));
  if (auto denied = OP_TRY(deny_update(scope.rules(), before.id, old, after))) return op_denied("update", std::move(*denied));
  if (has_errors(issues)) return std::unexpected(op_fault{403, operation_outcome(issues), {}, {}});
  add_default_profile(after);
  return validate(scope, after, issues, before.type == "Task" && after["status"].str() == "failed");
}

op_result<planned_write> plan_write(const op_scope& scope, base::json resource, base::uuid id, resource_write::kind what,
                                    std::uint64_t expected_version) {
  planned_write out;
  auto& w = out.write;
  w.what = what;
  w.type = resource["resourceType"].str();
  w.id = id;
  w.expected_version = expected_version;
  const auto id_text = id.to_string();
  const auto references = scope.references();
  // 4.2: an update of a Task to failed has no reference check at all.
  const bool unchecked = what == resource_write::kind::update && w.type == "Task" && resource["status"].str() == "failed";
  if (!unchecked) {
    if (auto fault = OP_TRY(resolve_references(resource, id_text, references))) return op_fail(403, "processing", std::move(*fault));
    if (auto fault = OP_TRY(check_references(resource, id_text, references, out.external)))
      return op_fail(403, "processing", std::move(*fault));
  }
  const auto& config = scope.context.config;
  w.index = index_entries(resource, &scope.allow_list, config.base_url, config.zone_offset_minutes);
  w.unique = unique_keys_of(resource, scope.allow_list, config.base_url);
  w.access_class = access_class_of(resource, scope.allow_list, config.base_url);
  w.requested_task = what == resource_write::kind::create && w.type == "Task" && resource["status"].str() == "requested";
  clean_references(resource);
  w.body = OP_TRY(make_storable(resource, id));
  return out;
}

op_result<removal> plan_remove(const op_scope& scope, std::string_view type, base::uuid id) {
  const auto stored = OP_TRY(scope.view.current(type, id));
  if (!stored) return op_fail(404, "processing", fmt::format("{} with id {} not found", type, id.to_string()));
  if (auto denied = OP_TRY(deny_remove(scope.rules(), *stored))) return op_denied("delete", std::move(*denied));
  removal out;
  if (stored->deleted) return out;
  out.write.emplace();
  out.write->what = resource_write::kind::remove;
  out.write->type = type;
  out.write->id = id;
  out.write->expected_version = stored->version;
  out.write->access_class = stored->access_class;
  return out;
}

std::string removed_text(std::string_view type, base::uuid id) {
  return fmt::format("{} with id {} marked as deleted", type, id.to_string());
}

op_result<stored_resource> update_base(const op_scope& scope, std::string_view type, base::uuid id,
                                       const std::optional<std::string>& if_match) {
  auto stored = OP_TRY(scope.view.current(type, id));
  if (!stored) return op_fail(405, "processing", "Update as create not allowed");
  if (stored->deleted) return op_fail(410, "deleted", fmt::format("Resource with id {} is marked as deleted.", id.to_string()));
  if (if_match)
    if (const auto expected = tag_versions(*if_match, true);
        !expected.empty() && std::ranges::find(expected, stored->version) == expected.end())
      return op_fail(412, "processing",
                     fmt::format("Resource with id {} expected version {} does not match latest version {}", id.to_string(), expected[0],
                                 stored->version));
  return std::move(*stored);
}

op_result<stored_resource> read_version(const op_scope& scope, std::string_view type, base::uuid id, std::optional<std::uint64_t> version) {
  auto stored = version ? OP_TRY(scope.view.version(type, id, *version)) : OP_TRY(scope.view.current(type, id));
  if (!stored) return op_fail(404);
  if (stored->deleted) {
    auto fault = op_fail(410, "deleted", fmt::format("Resource with id {} is marked as deleted.", id.to_string()));
    fault.error().headers = {{"ETag", weak_tag(stored->version)},
                             {"Location", location_of(scope.context.config, type, id, stored->version)},
                             {"Last-Modified", base::to_http_date(stored->last_updated)}};
    return fault;
  }
  if (auto denied = deny_read(scope.rules(), *stored)) return op_denied("read", std::move(*denied));
  return std::move(*stored);
}

op_result<conditional_match> match_condition(const op_scope& scope, std::string_view type, const query_list& query, bool filtered,
                                             const std::function<std::string(const std::string&)>& bad_text) {
  const auto& config = scope.context.config;
  const auto parsed = parse_search(type, query, config.base_url, config.zone_offset_minutes);
  if (!parsed.errors.empty()) return op_fail(400, "processing", bad_text(error_text(parsed.errors)));
  if (parsed.conditions.empty()) return op_fail(400, "processing", bad_text("no search parameter"));
  conditional_match out;
  out.found = OP_TRY(find_matches(parsed, scope.searching(filtered)));
  out.watched = OP_TRY(watched_ranges(parsed, scope.searching(false)));
  return out;
}

// dsf-fhir-server 3.6
op_result<none_exist> check_none_exist(const op_scope& scope, std::string_view type, std::string_view header) {
  const auto bad = fmt::format("Bad If-None-Exist header value '{}'", header);
  auto text = header;
  if (text.starts_with('?')) text.remove_prefix(1);
  const auto query = parse_query_string(text);
  const auto path_end = text.find_first_of("=&");
  if (is_blank(text) || !query || query->empty() || path_end == text.npos || text.substr(0, path_end).find_first_of("/?") != text.npos)
    return op_fail(400, "processing", bad);
  auto match = OP_PASS(match_condition(scope, type, *query, false, [&](const std::string& unsupported) {
    return fmt::format("{}, unsupported query parameter{} {}", bad, unsupported.find(';') == unsupported.npos ? "" : "s", unsupported);
  }));
  if (match.found.size() > 1)
    return op_fail(412, "multiple-matches", fmt::format("Multiple {} resources with criteria '{}' exist", type, header));
  none_exist out;
  if (match.found.size() == 1) out.existing = std::move(match.found[0]);
  out.watched = std::move(match.watched);
  return out;
}

std::string location_of(const endpoint_config& config, std::string_view type, base::uuid id, std::uint64_t version) {
  return fmt::format("{}/{}/{}/_history/{}", config.base_url, type, id.to_string(), version);
}
std::string weak_tag(std::uint64_t version) { return fmt::format("W/\"{}\"", version + (DSF_MUTANT("fhir.etag_wrong") ? 1 : 0)); }

std::vector<std::uint64_t> tag_versions(std::string_view header, bool strong_too) {
  std::vector<std::uint64_t> out;
  while (!header.empty()) {
    const auto comma = header.find(',');
    auto tag = header.substr(0, comma);
    header = comma == header.npos ? std::string_view{} : header.substr(comma + 1);
    while (!tag.empty() && tag.front() == ' ') tag.remove_prefix(1);
    while (!tag.empty() && tag.back() == ' ') tag.remove_suffix(1);
    if (tag.starts_with("W/"))
      tag.remove_prefix(2);
    else if (!strong_too)
      continue;
    if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') continue;
    tag = tag.substr(1, tag.size() - 2);
    if (tag.starts_with('h')) tag.remove_prefix(1);  // of the HTML form
    std::uint64_t v = 0;
    const auto [end, ec] = std::from_chars(tag.data(), tag.data() + tag.size(), v);
    if (ec == std::errc{} && end == tag.data() + tag.size()) out.push_back(v);
  }
  return out;
}

// RFC 9110 5.6.7, IMF-fixdate only: "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<base::timestamp> parse_http_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT") || text[3] != ',' || text[19] != ':' || text[22] != ':') return {};
  const auto number = [&](std::size_t at, std::size_t n) {
    int v = -1;
    std::from_chars(text.data() + at, text.data() + at + n, v);
    return v;
  };
  const auto month = months.find(text.substr(8, 3));
  const int day = number(5, 2), year = number(12, 4), hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
  if (month == months.npos || month % 3 != 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return {};
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 0 || day < 1 || !date.ok()) return {};
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return base::timestamp{(std::int64_t(days) * 86'400 + hour * 3'600 + minute * 60 + second) * base::us_per_s};
}

}  // namespace dsf::fhir
