// Equality, equivalence and order of items; private to this room. FHIRPath N1, 6.1 and 6.2
#pragma once

#include "fhir/path/evaluation.hpp"

namespace dsf::fhir::path {

// Three-valued: nothing where N1 says the result is empty.
std::optional<bool> equal(const item& a, const item& b);
std::optional<bool> equal(const collection& a, const collection& b);
bool equivalent(const item& a, const item& b);
result<bool> equivalent(evaluation& run, const collection& a, const collection& b);

enum class ordering_fault : std::uint8_t { none, types };
struct ordering_result {
  std::optional<std::strong_ordering> order;  // nothing: empty
  ordering_fault fault = ordering_fault::none;
};
ordering_result order(const item& a, const item& b);

// The collection without later items that equal an earlier one; counts its comparisons.
result<collection> distinct(evaluation& run, collection c);
// Whether the collection has the item; counts its comparisons.
result<bool> holds(evaluation& run, const collection& c, const item& i);

}  // namespace dsf::fhir::path
