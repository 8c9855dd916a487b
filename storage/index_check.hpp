// Whether the index of a store says what its resources say: the rows of tables I (search), U (unique keys), O (ordinals) and Y (dates), against those
// that the stored versions call for, and against what is made of their content anew. In constant memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/semantics/view.hpp"
#include "storage/view.hpp"

namespace dsf::storage {

struct index_report {
  std::uint64_t resources = 0;  // current versions, deletions among them
  std::uint64_t rows = 0;  // of the index
  std::uint64_t missing = 0;  // rows that a resource calls for and the index lacks, or has otherwise
  std::uint64_t stray = 0;  // rows that no resource calls for
  std::uint64_t different = 0;  // resources whose content gives other search entries than were stored with it
  std::vector<std::string> examples;  // of each kind, a few
  [[nodiscard]] bool whole() const { return missing == 0 && stray == 0 && different == 0; }
};

// The search entries of a resource's content, sorted.
using index_maker = std::function<std::vector<fhir::index_entry>(const base::json& resource)>;

// `make` may be empty: then content is not looked at. `watch` gets the number of rows read now and then; false stops with errc::closed.
result<index_report> check_index(const store_view& view, const index_maker& make, const std::function<bool(std::uint64_t rows)>& watch);

}  // namespace dsf::storage
