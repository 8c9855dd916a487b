// One search parameter with its value, turned into index ranges (dsf-fhir-server 1.4, 1.5).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "fhir/semantics/search/query.hpp"

namespace dsf::fhir {

struct condition_fault {
  bool unknown_name = false;
  std::string message;
};

// The name without modifier is a parameter of the type or a common one.
bool is_known_name(std::string_view type, std::string_view name);

// monostate: the value is to be ignored.
std::variant<std::monostate, search_condition, condition_fault> make_condition(std::string_view type, std::string_view name,
                                                                               std::string_view value, std::string_view base_url,
                                                                               int zone_offset_minutes);

}  // namespace dsf::fhir
