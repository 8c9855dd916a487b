// JSON Patch over a resource. RFC 6902, with pointers of RFC 6901
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "base/json.hpp"

namespace dsf::fhir {

struct patch_fault {
  int status = 400;  // 400: no patch; 422: a patch that this resource can't take (R4 http.html 3.1.0.5)
  std::string text;
};

struct patch_limits {
  std::size_t operations = 1'000;
  std::size_t copied_bytes = 4 << 20;  // by all copy operations together
};

std::expected<base::json, patch_fault> apply_json_patch(base::json resource, const base::json& patch, const patch_limits& limits = {});

}  // namespace dsf::fhir
