// Entries of a bundle prepared together over an overlay: all of a transaction, or one of a batch. Private to the interactions.
#pragma once

#include <map>
#include <vector>

#include "fhir/semantics/interactions/answer.hpp"
#include "fhir/semantics/interactions/bundle_answer.hpp"
#include "fhir/semantics/interactions/bundle_entries.hpp"
#include "fhir/semantics/references/references.hpp"

namespace dsf::fhir {

struct bundle_plan {
  write_set writes;
  std::vector<external_reference> external;
  std::map<std::size_t, entry_answer> answers;  // by index in the bundle
  temporary_ids temporary;                      // with the ids of these entries
};

// `known`: temporary ids of entries that were committed before.
op_result<bundle_plan> plan_entries(const interaction_context& context, const answerer& answer, std::vector<bundle_entry> entries,
                                    temporary_ids known);

// In batch.cpp; at least one entry.
std::shared_ptr<batch_work> start_batch(const answerer& answer, std::vector<bundle_entry> entries);

}  // namespace dsf::fhir
