#include "fhir/semantics/search/ordered.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/access.hpp"

namespace dsf::fhir {
namespace {

// False: it is no interval. A value without a time of day is compared as its last moment (updated_matches).
bool narrow(ordered_request& r, const search_condition& c) {
  if (!c.alternatives.empty()) return false;
  const auto at_least = [&](std::int64_t us) { r.from = std::max(r.from, us); };
  const auto below = [&](std::int64_t us) { r.to = std::min(r.to, us); };
  switch (c.prefix) {
    case date_prefix::eq: at_least(c.date.from), below(c.date.to); return true;
    case date_prefix::gt: at_least((c.date.is_instant ? c.date.from : c.date.to - 1) + 1); return true;
    case date_prefix::ge: at_least(c.date.from); return true;
    case date_prefix::lt: below(c.date.from); return true;
    case date_prefix::le: below(c.date.to); return true;
    case date_prefix::ne: break;
  }
  return false;
}

// As values_match() of a search that looks at resources.
bool value_decides(const search_condition& c, std::string_view parameter) {
  return c.what == search_condition::on::index && c.parameter != nullptr && c.parameter->name == parameter && !c.by_identifier &&
         c.chained.empty();
}

}  // namespace

std::optional<ordered_request> ordered_request_of(const search_query& query, const search_scope& scope, std::string_view parameter) {
  ordered_request out;
  out.type = query.type;
  if (query.cursor || query.sort.size() > 1) return {};
  if (!query.sort.empty()) {
    if (query.sort.front().what != search_sort::by::last_updated) return {};
    out.newest_first = query.sort.front().descending;
  }
  for (const auto& c : query.conditions) {
    if (c.what == search_condition::on::last_updated ? !narrow(out, c) : !value_decides(c, parameter)) return {};
  }
  out.accepts = [&query](std::span<const std::string> values) {
    return std::ranges::all_of(query.conditions, [&](const search_condition& c) {
      if (c.what != search_condition::on::index) return true;
      const auto accepted = [&](const std::string& v) { return c.accepts(v); };
      if (c.negated_per_element) return !std::ranges::all_of(values, accepted);
      return std::ranges::any_of(values, accepted) != c.negated;
    });
  };
  out.readable = [&query, &scope](std::string_view access_class, const resource_view& view) {
    if (scope.who == nullptr || DSF_MUTANT("fhir.ordered_page_sees_all")) return true;
    stored_resource one;
    one.type = query.type;
    one.access_class = access_class;
    return may_find(one, *scope.who, scope.allow_list, view);
  };
  return out;
}

}  // namespace dsf::fhir
