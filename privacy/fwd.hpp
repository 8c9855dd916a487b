// Names of privacy/ for those who only pass them on.
#pragma once

namespace dsf::privacy {

struct ccdl_query;
struct criterion;
struct cohort_result;
class mapping;
class ontology_tree;
class clinical_index;
class answer_cache;
struct rate_bucket;

}  // namespace dsf::privacy
