// What the ontology tree and the mapping know of a criterion's term codes (docs/spec/domain.md).
#pragma once

#include "privacy/ccdl.hpp"
#include "privacy/mapping.hpp"

namespace dsf::privacy {

// The term codes of the criterion and their descendants, with duplicates where subtrees meet. Errors, at the criterion's path: not_mapped
// for a code that the tree does not have, limit for more than max_expanded_codes.
base::result<std::vector<term_code>> expanded_codes(const ontology_tree& tree, const criterion& c);

// The mapping's entry for one of these codes, never null; not_mapped when there is none.
base::result<const mapping_entry*> entry_for(const mapping& map, const criterion& c, const term_code& code);

}  // namespace dsf::privacy
