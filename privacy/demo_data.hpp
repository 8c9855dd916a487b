// The demo's queries, mapping and ontology tree, built into the program (from data/).
#pragma once

#include <span>
#include <string_view>

namespace dsf::privacy {

struct demo_query {
  std::string_view name;  // as in generator_ledger::counts
  std::string_view ccdl;
};

std::string_view demo_mapping();
std::string_view demo_tree();
// The feasibility query of the demo, and the same in CQL for the other attachment of its Library.
std::string_view demo_ccdl();
std::string_view demo_cql();
// All queries the generator's ledger knows the counts of, the demo's among them.
std::span<const demo_query> demo_queries();

}  // namespace dsf::privacy
