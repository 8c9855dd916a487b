// The table of functions; private to this room. One file a chapter of the specification.
#pragma once

#include <span>
#include <string_view>

#include "fhir/path/evaluation.hpp"

namespace dsf::fhir::path {

struct function {
  std::string_view name;
  std::uint8_t min_arguments = 0;
  std::uint8_t max_arguments = 0;
  result<collection> (*run)(call& c) = nullptr;
  bool takes_type = false;
  bool takes_pattern = false;   // the first argument is a regular expression
  bool whole_match = false;
};

const function* find_function(std::string_view name);

std::span<const function> existence_functions();    // N1, 5.1
std::span<const function> filtering_functions();    // 5.2 to 5.4, 5.8, 7
std::span<const function> conversion_functions();   // 5.5
std::span<const function> string_functions();       // 5.6
std::span<const function> math_functions();         // 5.7
std::span<const function> utility_functions();      // 5.9, 6.5.3, and R4's own

}  // namespace dsf::fhir::path
