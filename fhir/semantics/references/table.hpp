// Elements whose references are checked, and the types they may point to (dsf-fhir-server 4.2).
#pragma once

#include <span>
#include <string_view>

namespace dsf::fhir {

struct checked_element {
  std::string_view path;          // below the type: "restriction.recipient"
  std::string_view targets = {};  // empty: any supported type
  bool is_url = false;
};

std::span<const checked_element> checked_elements(std::string_view type);

}  // namespace dsf::fhir
