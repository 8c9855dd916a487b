// What a FHIR operation was given: in the URL, in Parameters, or as the body. R4 operations.html
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fhir/semantics/interactions/operations.hpp"

namespace dsf::fhir {

struct operation_input {
  struct resource {
    std::string name;                  // of the parameter
    base::json value;
    std::vector<issue> issues;         // what the codec found in it, with paths from the resource on
  };
  std::vector<std::pair<std::string, std::string>> values;  // of the URL, then of Parameters
  std::vector<resource> resources;

  [[nodiscard]] const std::string* value(std::string_view name) const;
  [[nodiscard]] const resource* resource_named(std::string_view name) const;
};

// A body that is not Parameters is the parameter `bare`; with an empty `bare` it is refused. GET has no body. Parameters that are not
// among `known`, or stand more than once, are refused, too.
op_result<operation_input> read_input(const interaction_request& request, std::string_view bare,
                                      std::initializer_list<std::string_view> known);

// `true` or `false`, or the default.
op_result<bool> flag_of(const operation_input& input, std::string_view name, bool otherwise);
op_result<std::uint64_t> number_of(const operation_input& input, std::string_view name, std::uint64_t otherwise);

}  // namespace dsf::fhir
