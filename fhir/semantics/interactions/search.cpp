// GET /T?query (dsf-fhir-server 1.5).
#include <fmt/format.h>

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/elements.hpp"
#include "fhir/semantics/operation_outcome.hpp"
#include "fhir/semantics/search/ordered.hpp"
#include "fhir/semantics/search/run.hpp"

namespace dsf::fhir {
namespace {

// 1.5, "paging"
struct page_position {
  std::int64_t page = 1, count = 20, last = 0;
  bool count_only = false;

  page_position(const search_query& query, std::int64_t default_count, std::int64_t total) {
    page = std::max<std::int64_t>(0, query.page.value_or(1));
    count = std::max<std::int64_t>(0, query.count.value_or(default_count));
    if (page * count > 2'147'483'647) page = 1, count = default_count;
    last = count > 0 ? (total + count - 1) / count : 0;
    count_only = page < 1 || count < 1 || page > last || query.summary_count;
  }
};

std::string link(const search_query& query, std::string_view base_url, std::optional<std::int64_t> page, std::int64_t count,
                 std::string_view cursor = {}) {
  std::string out = fmt::format("{}/{}", base_url, query.type);
  char separator = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    out += separator;
    out += fmt::format("{}={}", percent_encoded(name), percent_encoded(value));
    separator = '&';
  };
  for (const auto& [name, value] : query.normalised) add(name, value);
  if (page) add("_page", std::to_string(*page));
  if (!cursor.empty()) add("_cursor", cursor);
  add("_count", std::to_string(count));
  if (!query.format.empty()) add("_format", query.format);
  if (!query.pretty.empty()) add("_pretty", query.pretty);
  if (!query.summary.empty()) add("_summary", query.summary);
  return out;
}

class bundle_text {
public:
  void member(std::string_view name, std::string_view text) {
    comma();
    base::append_json_string(out_, name);
    out_ += ':';
    base::append_json_string(out_, text);
  }
  void raw(std::string_view text) { comma(), out_ += text; }
  void open(std::string_view text) { comma(), out_ += text, fresh_ = true; }
  void close(std::string_view text) { out_ += text, fresh_ = false; }
  std::string take() && { return std::move(out_); }

private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  std::string out_;
  bool fresh_ = true;
};

void add_links(bundle_text& out, const search_query& query, std::string_view base_url, const page_position& at,
               const std::optional<base::uuid>& last_shown) {
  out.open("\"link\":[");
  const auto add = [&](std::string_view relation, std::string url) {
    out.open("{");
    out.member("relation", relation);
    out.member("url", url);
    out.close("}");
  };
  if (query.cursor && at.count >= 1 && !query.summary_count) {
    const auto from_start = *query.cursor == base::uuid{};
    add("self", link(query, base_url, {}, at.count, from_start ? "start" : query.cursor->to_string()));
    if (!from_start) add("first", link(query, base_url, {}, at.count, "start"));
    if (last_shown) add("next", link(query, base_url, {}, at.count, last_shown->to_string()));
  } else if (at.count_only) {
    add("self", link(query, base_url, {}, 0));
  } else {
    add("self", link(query, base_url, at.page, at.count));
    if (at.page > 1) {
      add("first", link(query, base_url, 1, at.count));
      add("previous", link(query, base_url, at.page - 1, at.count));
    }
    if (at.page < at.last) {
      add("next", link(query, base_url, at.page + 1, at.count));
      add("last", link(query, base_url, at.last, at.count));
    }
  }
  out.close("]");
}

void add_entry(bundle_text& out, std::string_view base_url, const stored_resource& stored, std::string_view mode) {
  out.open("{");
  out.member("fullUrl", fmt::format("{}/{}/{}", base_url, stored.type, stored.id.to_string()));
  out.raw(fmt::format("\"resource\":{}", *stored.bytes));
  out.raw(fmt::format("\"search\":{{\"mode\":\"{}\"}}", mode));
  out.close("}");
}

op_result<std::shared_ptr<const std::string>> part_of(const stored_resource& stored, std::string_view elements) {
  const auto resource = OP_TRY(base::json::parse(*stored.bytes));
  return std::make_shared<const std::string>(only_elements(resource, element_names(elements)).dump());
}

struct found_page {
  std::int64_t total = 0;
  std::vector<stored_resource> rows;
  std::optional<base::uuid> last_shown;        // where the next page by cursor goes on
  std::shared_ptr<const resource_view> view;   // null: the scope's
};

// All that match are looked at.
base::result<found_page> look_at_all(const search_query& query, const search_scope& scope, int page_count) {
  found_page out;
  auto found = TRY(find_matches(query, scope));
  out.total = static_cast<std::int64_t>(found.size());
  const page_position at(query, page_count, out.total);
  if (at.count_only) return out;
  auto from = (at.page - 1) * at.count;
  if (query.cursor) from = std::ranges::upper_bound(found, *query.cursor, {}, &stored_resource::id) - found.begin();
  if (query.cursor && DSF_MUTANT("fhir.cursor_by_count")) from = std::min(out.total, from / at.count * at.count);
  const auto to = std::min(from + at.count, out.total);
  out.rows.assign(std::make_move_iterator(found.begin() + from), std::make_move_iterator(found.begin() + to));
  if (query.cursor && to < out.total) out.last_shown = out.rows.back().id;
  return out;
}

base::result<found_page> find_page(const search_query& query, const search_scope& scope, int page_count) {
  // A bundle's overlay is none: it sees what the bundle is about to write.
  const auto* ordered = dynamic_cast<const ordered_view*>(&scope.view);
  auto request = ordered != nullptr ? ordered_request_of(query, scope, ordered->ordered_parameter()) : std::nullopt;
  if (!request) return look_at_all(query, scope, page_count);
  request->window = [&](std::size_t total) -> std::pair<std::size_t, std::size_t> {
    const page_position at(query, page_count, static_cast<std::int64_t>(total));
    if (at.count_only) return {0, 0};
    return {static_cast<std::size_t>((at.page - 1) * at.count), static_cast<std::size_t>(at.count)};
  };
  auto page = TRY(ordered->page(*request, false));
  if (!page) {
    auto all = look_at_all(query, scope, page_count);
    if (all || !all.error().is(base::errc::limit)) return all;
    page = TRY(ordered->page(*request, true));
    if (!page) return all;
  }
  return found_page{static_cast<std::int64_t>(page->total), std::move(page->rows), {}, std::move(page->view)};
}

}  // namespace

op_result<std::string> search_bundle(const op_scope& scope, std::string_view type, const query_list& parameters, bool strict) {
  const auto& config = scope.context.config;
  if (auto denied = deny_search(scope.rules(), type)) return op_denied("search", std::move(*denied));
  const auto query = parse_search(type, parameters, config.base_url, config.zone_offset_minutes, search_dialect::extended);
  if (strict && !query.errors.empty()) return op_fail(400, "processing", error_text(query.errors));
  auto found = OP_TRY(find_page(query, scope.searching(true), config.page_count));
  const page_position at(query, config.page_count, found.total);
  auto& page = found.rows;
  std::vector<stored_resource> included;
  if (!at.count_only) {
    // What the page was read from.
    const auto asked = scope.searching(true);
    const search_scope same{found.view ? *found.view : scope.view,
                            asked.allow_list,
                            asked.base_url,
                            asked.zone_offset_minutes,
                            asked.max_candidates,
                            asked.who};
    included = OP_TRY(find_included(query, page, same));
  }
  bundle_text out;
  out.open("{");
  out.member("resourceType", "Bundle");
  out.member("type", "searchset");
  out.member("timestamp", base::to_iso(scope.context.now));
  if (!query.without_total) out.raw(fmt::format("\"total\":{}", found.total));
  add_links(out, query, config.base_url, at, found.last_shown);
  if (!page.empty() || !query.errors.empty()) {
    out.open("\"entry\":[");
    for (auto& stored : page) {
      if (!query.elements.empty()) stored.bytes = OP_PASS(part_of(stored, query.elements));
      add_entry(out, config.base_url, stored, "match");
    }
    for (const auto& stored : included) add_entry(out, config.base_url, stored, "include");
    if (!query.errors.empty()) {
      out.open("{");
      out.raw("\"resource\":" + operation_outcome("warning", "processing", error_text(query.errors)).dump());
      out.raw(R"("search":{"mode":"outcome"})");
      out.close("}");
    }
    out.close("]");
  }
  out.close("}");
  return std::move(out).take();
}

prepared prepare_search(const interaction_request& request, const interaction_context& context, const answerer& answer,
                        std::string_view type) {
  auto text = search_bundle(scope_of(context), type, request.query, answer.prefer().strict);
  if (!text) return answer.stop(std::move(text).error());
  return {answer.bytes(200, std::make_shared<const std::string>(std::move(*text))), {}};
}

}  // namespace dsf::fhir
