#include "fhir/semantics/search/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/mutant.hpp"
#include "fhir/semantics/access.hpp"
#include "fhir/semantics/element.hpp"

namespace dsf::fhir {
namespace {

using ranges = std::vector<std::pair<std::string, std::string>>;

template <class F>
void each_word(std::string_view list, F&& f) {
  while (!list.empty()) {
    const auto blank = list.find(' ');
    f(list.substr(0, blank));
    if (blank == list.npos) break;
    list.remove_prefix(blank + 1);
  }
}

base::failure too_many(const search_query& query, std::size_t limit) {
  return base::fail(base::errc::limit,
                    fmt::format("the search would look at more than {} {} resources; add a parameter that narrows it", limit, query.type),
                    query.type);
}

// What a chain or _has looks at is what the caller could find by a search of its own: else the answer would tell of resources it may not read.
base::result<std::vector<stored_resource>> found_beyond(const search_query& query, const search_scope& scope) {
  if (!scope.who || !scope.who->may(operation::search, query.type)) return std::vector<stored_resource>{};
  if (DSF_MUTANT("fhir.chain_sees_all")) {
    auto unlimited = scope;
    unlimited.who = nullptr;
    return find_matches(query, unlimited);
  }
  return find_matches(query, scope);
}

// Ranges of a condition; those of reference:identifier include the targets that carry the identifier now, those of a chain what it leads to.
base::result<ranges> ranges_of(const search_condition& c, const search_scope& scope) {
  ranges out = c.ranges;
  for (const auto& other : c.alternatives)
    for (auto& range : TRY(ranges_of(other, scope))) out.push_back(std::move(range));
  for (const auto& query : c.chained)
    for (const auto& target : TRY(found_beyond(*query, scope))) {
      auto value = index_value::reference(target.type + "/" + target.id.to_string());
      auto end = value + '\0';
      out.emplace_back(std::move(value), std::move(end));
    }
  if (!c.by_identifier) return out;
  std::vector<std::string_view> targets;
  each_word(c.parameter->targets, [&](std::string_view t) { targets.push_back(t); });
  for (const auto target : targets)
    for (const auto& id : TRY(scope.view.ids_in(target, "identifier", c.token_from, c.token_to, scope.max_candidates))) {
      auto value = index_value::reference(std::string(target) + "/" + id.to_string());
      auto end = value + '\0';
      out.emplace_back(std::move(value), std::move(end));
    }
  return out;
}

base::result<std::vector<base::uuid>> ids_of(const search_query& query, const search_condition& c, const search_scope& scope) {
  std::vector<base::uuid> out;
  for (const auto& [from, to] : TRY(ranges_of(c, scope))) {
    const auto ids = TRY(scope.view.ids_in(query.type, c.parameter->name, from, to, scope.max_candidates + 1));
    out.insert(out.end(), ids.begin(), ids.end());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > scope.max_candidates) return too_many(query, scope.max_candidates);
  return out;
}

// _has: the resources of the query's type that the found ones refer to.
base::result<std::vector<base::uuid>> referred_to(const search_query& query, const search_condition& c, const search_scope& scope) {
  const auto prefix = 'r' + query.type + '/';
  std::vector<base::uuid> out;
  for (const auto& referrer : c.chained)
    for (const auto& stored : TRY(found_beyond(*referrer, scope))) {
      const auto resource = TRY(base::json::parse(*stored.bytes));
      for (const auto& value : index_values(resource, *c.parameter, &scope.allow_list, scope.base_url, scope.zone_offset_minutes)) {
        if (!value.starts_with(prefix) || value.back() != '\0') continue;
        if (const auto id = base::uuid::parse(std::string_view(value).substr(prefix.size(), value.size() - prefix.size() - 1)))
          out.push_back(*id);
      }
    }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool narrows(const search_condition& c) {
  return c.what == search_condition::on::referrer || (c.what == search_condition::on::index && !c.negated && !c.negated_per_element);
}

base::result<std::vector<base::uuid>> candidates(const search_query& query, const search_scope& scope) {
  std::optional<std::vector<base::uuid>> out;
  for (const auto& c : query.conditions)
    if (c.what == search_condition::on::id && !out) {
      out.emplace({c.id});
      for (const auto& other : c.alternatives) out->push_back(other.id);
      std::ranges::sort(*out);
      out->erase(std::unique(out->begin(), out->end()), out->end());
    }
  const bool by_id = out.has_value();
  for (const auto& c : query.conditions) {
    // A few ids are read and judged; only who refers to them must be looked up.
    if (!narrows(c) || (by_id && c.what == search_condition::on::index)) continue;
    auto ids = c.what == search_condition::on::referrer ? TRY(referred_to(query, c, scope)) : TRY(ids_of(query, c, scope));
    if (!out) {
      out = std::move(ids);
    } else {
      std::vector<base::uuid> both;
      std::ranges::set_intersection(*out, ids, std::back_inserter(both));
      out = std::move(both);
    }
    if (out->empty()) return std::vector<base::uuid>{};
  }
  if (out) return std::move(*out);
  auto all = TRY(scope.view.all_ids(query.type, scope.max_candidates + 1));
  if (all.size() > scope.max_candidates) return too_many(query, scope.max_candidates);
  return all;
}

// Conditions that the head of a resource decides.
bool head_matches(const search_query& query, const stored_resource& stored) {
  return std::ranges::all_of(query.conditions, [&](const search_condition& c) {
    if (c.what == search_condition::on::id)
      return c.id == stored.id || std::ranges::any_of(c.alternatives, [&](const auto& other) { return other.id == stored.id; });
    return c.what != search_condition::on::last_updated || updated_matches(c, stored.last_updated);
  });
}

base::result<bool> values_match(const search_condition& c, const base::json& resource, const search_scope& scope) {
  const auto values = index_values(resource, *c.parameter, &scope.allow_list, scope.base_url, scope.zone_offset_minutes);
  search_condition resolved;
  const auto* condition = &c;
  if (c.by_identifier || !c.chained.empty()) {
    resolved = c;
    resolved.ranges = TRY(ranges_of(c, scope));
    condition = &resolved;
  }
  const auto accepted = [&](const std::string& v) { return condition->accepts(v); };
  if (c.negated_per_element) return !std::ranges::all_of(values, accepted);
  return std::ranges::any_of(values, accepted) != c.negated;
}

// The index has decided this condition already.
bool decided(const search_condition& c) {
  return c.what != search_condition::on::index || c.exact() || (c.by_identifier && !c.negated) || !c.chained.empty();
}

struct sort_row {
  stored_resource stored;
  std::vector<std::string> keys;
};

std::string sort_key(const search_sort& s, const stored_resource& stored, const base::json& resource, const search_scope& scope) {
  switch (s.what) {
    case search_sort::by::id: return std::string(stored.id.raw());
    case search_sort::by::last_updated: return date_key(stored.last_updated.us);
    case search_sort::by::parameter: break;
  }
  const auto values = index_values(resource, *s.parameter, &scope.allow_list, scope.base_url, scope.zone_offset_minutes);
  if (values.empty()) return {};
  return s.descending ? values.back() : values.front();
}

void sort_rows(const search_query& query, std::vector<sort_row>& rows) {
  std::ranges::sort(rows, [&](const sort_row& a, const sort_row& b) {
    for (std::size_t i = 0; i < query.sort.size(); ++i) {
      const int order = a.keys[i].compare(b.keys[i]);
      if (order != 0) return query.sort[i].descending ? order > 0 : order < 0;
    }
    return std::tie(a.stored.last_updated, a.stored.id) < std::tie(b.stored.last_updated, b.stored.id);
  });
}

}  // namespace

// _lastUpdated: a value with a time of day is compared as a point, so that a truncated cursor finds a resource twice rather than never.
bool updated_matches(const search_condition& c, base::timestamp at) {
  if (std::ranges::any_of(c.alternatives, [&](const search_condition& other) { return updated_matches(other, at); })) return true;
  const auto point_end = c.date.is_instant ? c.date.from : c.date.to - 1;
  switch (c.prefix) {
    case date_prefix::eq: return at.us >= c.date.from && at.us < c.date.to;
    case date_prefix::ne: return at.us < c.date.from || at.us >= c.date.to;
    case date_prefix::gt: return at.us > point_end;
    case date_prefix::ge: return at.us >= c.date.from;
    case date_prefix::lt: return at.us < c.date.from;
    case date_prefix::le: return at.us <= (c.date.is_instant ? c.date.to - 1 : point_end);
  }
  return false;
}

base::result<std::vector<stored_resource>> find_matches(const search_query& query, const search_scope& scope) {
  const bool by_id = std::ranges::any_of(query.conditions, [](const auto& c) { return c.what == search_condition::on::id; });
  const bool sort_by_content = std::ranges::any_of(query.sort, [](const auto& s) { return s.what == search_sort::by::parameter; });
  std::vector<sort_row> rows;
  for (const auto& id : TRY(candidates(query, scope))) {
    auto stored = TRY(scope.view.current(query.type, id));
    if (!stored || stored->deleted || !stored->bytes || !head_matches(query, *stored)) continue;
    if (scope.who && !may_find(*stored, *scope.who, scope.allow_list, scope.view)) continue;
    const bool open = std::ranges::any_of(query.conditions,
                                          [&](const auto& c) { return c.what == search_condition::on::index && (by_id || !decided(c)); });
    base::json resource;
    if (open || sort_by_content) resource = TRY(base::json::parse(*stored->bytes));
    bool all = true;
    for (const auto& c : query.conditions)
      if (all && c.what == search_condition::on::index && (by_id || !decided(c))) all = TRY(values_match(c, resource, scope));
    if (!all) continue;
    sort_row row{std::move(*stored), {}};
    for (const auto& s : query.sort) row.keys.push_back(sort_key(s, row.stored, resource, scope));
    rows.push_back(std::move(row));
  }
  sort_rows(query, rows);
  std::vector<stored_resource> out;
  out.reserve(rows.size());
  for (auto& r : rows) out.push_back(std::move(r.stored));
  return out;
}

base::result<std::vector<index_range>> watched_ranges(const search_query& query, const search_scope& scope) {
  const search_condition* best = nullptr;
  std::size_t fewest = 0;
  for (const auto& c : query.conditions) {
    if (!c.exact() || c.ranges.size() != 1) continue;
    const auto n = TRY(ids_of(query, c, scope)).size();
    if (!best || n < fewest) best = &c, fewest = n;
  }
  if (!best) return std::vector{index_range{query.type, {}, {}, {}}};
  return std::vector{index_range{query.type, std::string(best->parameter->name), best->ranges[0].first, best->ranges[0].second}};
}

base::result<bool> matches(const search_query& query, const stored_resource& stored, const base::json& resource,
                           const search_scope& scope) {
  if (stored.deleted || stored.type != query.type || !head_matches(query, stored)) return false;
  for (const auto& c : query.conditions)
    if (c.what == search_condition::on::index && !TRY(values_match(c, resource, scope))) return false;
  return true;
}

namespace {

// Ids that a reference element of a page's resource leads to.
base::result<std::vector<base::uuid>> targets_of(const base::json& element, const search_include& include, std::string_view target,
                                                 const search_scope& scope) {
  if (const auto* canonical = element.if_string()) {  // Measure.library, QuestionnaireResponse.questionnaire
    const auto [url, version] = split_canonical(*canonical);
    auto from = index_value::uri(url, version);
    auto to = version.empty() ? prefix_end(from) : from + '\0';
    return scope.view.ids_in(target, "url", from, to, scope.max_candidates);
  }
  if (include.parameter->kind == parameter_kind::prefix_uri) return std::vector<base::uuid>{};
  const auto literal = literal_of(element, &scope.allow_list, scope.base_url);
  if (const auto id = internal_target(literal, target, scope.base_url)) return std::vector{*id};
  const auto& identifier = element["identifier"];
  if (!literal.empty() || !identifier["value"].is_string()) return std::vector<base::uuid>{};
  const auto* system = identifier.find("system");
  auto value = index_value::token(identifier["value"].str(), system ? std::optional<std::string_view>(system->str()) : std::nullopt);
  auto end = value + '\0';
  return scope.view.ids_in(target, "identifier", value, end, scope.max_candidates);
}

// A search includes at most so many resources by _include:iterate.
constexpr std::size_t max_iterated = 10'000;

struct collector {
  const search_scope& scope;
  std::set<std::pair<std::string, base::uuid>> seen;
  std::vector<stored_resource> out;

  base::result<void> add(std::string_view type, base::uuid id) {
    if (!seen.emplace(type, id).second) return {};
    auto stored = TRY(scope.view.current(type, id));
    if (!stored || stored->deleted || !stored->bytes) return {};
    if (scope.who && !may_read(*stored, *scope.who, scope.allow_list, scope.view)) return {};
    out.push_back(std::move(*stored));
    return {};
  }
};

}  // namespace

base::result<std::vector<stored_resource>> find_included(const search_query& query, const std::vector<stored_resource>& page,
                                                         const search_scope& scope) {
  collector found{scope, {}, {}};
  for (const auto& row : page) found.seen.emplace(row.type, row.id);
  const auto follow = [&](const search_include& include, const base::json& resource) -> base::result<void> {
    std::vector<std::string> targets;
    if (!include.target.empty())
      targets.push_back(include.target);
    else
      each_word(include.parameter->targets, [&](std::string_view t) { targets.emplace_back(t); });
    for (const auto* element : elements_at(resource, include.parameter->paths))
      for (const auto& target : targets)
        for (const auto& id : TRY(targets_of(*element, include, target, scope))) TRY(found.add(target, id));
    return {};
  };
  for (const auto& row : page) {
    base::json resource;
    if (!query.includes.empty()) resource = TRY(base::json::parse(*row.bytes));
    for (const auto& include : query.includes) TRY(follow(include, resource));
    for (const auto& reverse : query.reverse_includes) {
      const auto value = index_value::reference(row.type + "/" + row.id.to_string());
      for (const auto& id : TRY(scope.view.ids_in(reverse.source, reverse.parameter->name, value, value + '\0', scope.max_candidates)))
        TRY(found.add(reverse.source, id));
    }
  }
  // _include:iterate follows the page and what was included, each once, until nothing new comes.
  for (std::size_t i = 0; !query.iterated.empty() && i < page.size() + found.out.size(); ++i) {
    if (found.out.size() > max_iterated)
      return base::fail(base::errc::limit, fmt::format("the search would include more than {} resources", max_iterated), query.type);
    const auto row = i < page.size() ? page[i] : found.out[i - page.size()];
    if (std::ranges::none_of(query.iterated, [&](const auto& include) { return include.source == row.type; })) continue;
    const auto resource = TRY(base::json::parse(*row.bytes));
    for (const auto& include : query.iterated)
      if (include.source == row.type) TRY(follow(include, resource));
  }
  return std::move(found.out);
}

}  // namespace dsf::fhir
