// Runs a parsed search over a snapshot, or over one resource.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/identity.hpp"
#include "fhir/semantics/search/query.hpp"
#include "fhir/semantics/view.hpp"
#include "fhir/semantics/write.hpp"

namespace dsf::fhir {

struct search_scope {
  const resource_view& view;
  const directory& allow_list;
  std::string_view base_url;
  int zone_offset_minutes = 0;
  std::size_t max_candidates = 100'000;
  const identity* who = nullptr;        // rows that it may not read are left out; null: no filter
};

// All matches over all pages, in the order of _sort, else by last update and id. An error with base::errc::limit if too many resources would
// have to be looked at.
base::result<std::vector<stored_resource>> find_matches(const search_query& query, const search_scope& scope);

// The ranges in which something must have changed if the set of matches has changed.
base::result<std::vector<index_range>> watched_ranges(const search_query& query, const search_scope& scope);

// The resource itself decides; `query.sort` and paging play no part. For subscriptions.
base::result<bool> matches(const search_query& query, const stored_resource& stored, const base::json& resource, const search_scope& scope);

// A condition on _lastUpdated, or on _at.
bool updated_matches(const search_condition& c, base::timestamp at);

// Resources that the page's resources refer to or, for _revinclude, that refer to them; without duplicates and without the page itself. Each is checked
// with the read rule if the scope has an identity.
base::result<std::vector<stored_resource>> find_included(const search_query& query, const std::vector<stored_resource>& page,
                                                         const search_scope& scope);

}  // namespace dsf::fhir
