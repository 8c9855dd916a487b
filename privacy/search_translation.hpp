// A CCDL query as FHIR searches, for a FHIR server that stands in for the site's own repository (domain 3.4, FLARE translation).
#pragma once

#include <string>
#include <vector>

#include "privacy/ccdl.hpp"
#include "privacy/mapping.hpp"

namespace dsf::privacy {

// One search; every patient that a found resource belongs to counts.
struct fhir_search {
  std::string type;
  std::string query;  // "Condition?code=http:/...%7CE11&_elements=subject,id&_count=1000"
  bool operator==(const fhir_search&) const = default;
};
struct searched_criterion {
  std::vector<fhir_search> any_of;  // its patients are those that one of the searches finds
  std::string path;                 // where it stands in the query
};
// (AND over inclusion groups of OR) without (OR over exclusion groups of AND), as in the query.
struct search_plan {
  std::vector<std::vector<searched_criterion>> inclusion;
  std::vector<std::vector<searched_criterion>> exclusion;
  std::size_t searches = 0;
};

struct search_plan_limits {
  std::size_t searches = 10'000;  // of the whole plan
};

// The product over term codes (closed over the tree) and concepts gives the searches of a criterion; all parts of a criterion are
// parameters of the same search, so one resource must fulfil them. Errors are those of count_cohort() in the same places, but a search
// parameter need not be one that is indexed here: the server answers for what it knows.
//
// Rules where the specification leaves room:
// - `eq` of a quantity is ge and le, `ne` is two searches with lt and gt: the prefixes eq and ne would round to the digits written.
// - Units are UCUM codes: 7|http://unitsofmeasure.org|%. Without a unit in the query any unit matches.
// - A reference filter becomes chained parameters that name the target's type (specimen:Specimen.type=...).
// - The values of a fixed criterion are one parameter with commas.
base::result<search_plan> plan_searches(const ccdl_query& query, const mapping& map, const ontology_tree& tree, day today,
                                        const search_plan_limits& limits = {});

}  // namespace dsf::privacy
