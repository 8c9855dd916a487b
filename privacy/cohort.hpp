// Which patients a CCDL query selects: exact, before any disclosure control (domain 3.4). What leaves the house goes through obfuscation.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "privacy/ccdl.hpp"
#include "privacy/clinical_index.hpp"
#include "privacy/mapping.hpp"

namespace dsf::privacy {

struct cohort_result {
  std::uint64_t count = 0;
  std::vector<std::uint32_t> patients;  // ordinals of the index, ascending; filled by select_cohort only
};

// `today` is the evaluation day that ages are counted from. Errors name the criterion by its JSON path: a term code that the tree or
// the mapping does not know, a filter the mapping has no parameter for, a comparison that its parameter can't answer.
//
// Rules where the specification leaves room:
// - Quantities are compared as numbers (binary64), without rounding to the precision of the query. A unit in the query must equal the
//   unit code or the unit text of the value; nothing is converted. Without a unit in the query any unit matches.
// - A date of partial precision or a Period is the range of days it covers; a bound holds when the range reaches it (ge: last >= bound,
//   le: first <= bound, gt: last > bound, lt: first < bound), as FHIR search has it. The day counts as written, whatever its time zone.
// - Values of filters are not closed over the ontology tree, term codes are.
base::result<cohort_result> count_cohort(const clinical_index& index, const ccdl_query& query, const mapping& map,
                                         const ontology_tree& tree, day today);
base::result<cohort_result> select_cohort(const clinical_index& index, const ccdl_query& query, const mapping& map,
                                          const ontology_tree& tree, day today);

// The inclusive range of birth dates that an age comparison means; bounds as for dates above. `unit` is a, mo or wk.
struct birth_bounds {
  std::optional<day> at_least;  // ge
  std::optional<day> after;  // gt
  std::optional<day> at_most;  // le
  std::optional<day> before;  // lt
  bool hold(const day_range& birth) const {
    return (!at_least || birth.last >= *at_least) && (!after || birth.last > *after) && (!at_most || birth.first <= *at_most) &&
           (!before || birth.first < *before);
  }
};
base::result<birth_bounds> age_bounds(comparator compare, double age, std::string_view unit, day today);
base::result<birth_bounds> age_bounds(double low, double high, std::string_view unit, day today);

}  // namespace dsf::privacy
