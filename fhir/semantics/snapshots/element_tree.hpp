// ElementDefinitions as a tree, in which a snapshot is made (R4 profiling.html). Private to the snapshots.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace dsf::fhir {

struct element_node {
  std::string name;                    // "value[x]"; of the root: the type
  std::string slice;                   // "a", of a slice of a slice "a/b"; empty: the element itself
  base::json definition;               // without id, path and sliceName, which the place in the tree says
  std::vector<element_node> children;  // in the order of the definition
  std::vector<element_node> slices;
  base::json types_before;             // of a choice that the differential narrowed by naming variants; null: it did not

  element_node* child(std::string_view child_name);
  const element_node* child(std::string_view child_name) const;
  element_node* slice_named(std::string_view slice_name);
  // "value" of value[x]; empty: no choice.
  std::string_view choice_stem() const;
  // Codes of its types.
  std::vector<std::string> type_codes() const;
};

// From a list with the root first; nothing if an element comes before the one above it.
std::optional<element_node> tree_of(const base::json& elements);
// As a list with ids and paths: an element, what is below it, then its slices in the same way.
base::json list_of(const element_node& root);

// "Quantity" for the member "valueQuantity" of value[x]; empty: none of the node's types.
std::string type_of_variant(const element_node& choice, std::string_view member);

}  // namespace dsf::fhir
