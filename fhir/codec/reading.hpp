// What reading a resource gives: the resource, or what is wrong with it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/json.hpp"
#include "fhir/errc.hpp"
#include "fhir/issue.hpp"

namespace dsf::fhir {

struct codec_limits {
  std::size_t bytes = 16u << 20;          // of the text
  std::size_t depth = 100;                // objects and arrays, or XML elements, inside each other
  std::size_t xml_elements = 1'000'000;   // pugixml takes 64 bytes for each
  std::size_t issues = 20;                // then checking stops
};

struct reading {
  base::json resource;                    // null if the text could not be read at all
  std::vector<issue> issues;              // expression: "Task.input[2].type"
  errc code = errc::invalid_resource;     // of the first issue

  [[nodiscard]] bool ok() const { return issues.empty(); }
  // The resource, or the first issue as an error.
  [[nodiscard]] base::result<base::json> value() &&;
};

}  // namespace dsf::fhir
