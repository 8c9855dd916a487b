// The entries of a transaction or batch, read and checked before anything runs (dsf-fhir-server 3.9). Private to the interactions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/semantics/interactions/operations.hpp"
#include "fhir/semantics/search/query.hpp"

namespace dsf::fhir {

enum class entry_method : std::uint8_t { remove = 1, post, put, get, head };  // in the order of work; head runs with get

struct bundle_entry {
  std::size_t index = 0;
  entry_method method = entry_method::get;
  std::string url, full_url, type;
  std::optional<base::uuid> id;             // of T/<uuid>
  std::optional<std::uint64_t> version;
  query_list query;                         // of T?query
  bool conditional = false;
  base::json resource;
  std::vector<issue> issues;                // what the codec found in the resource of a batch
  std::optional<std::string> if_none_exist, if_match, if_none_match, if_modified_since;
};

// In request order.
op_result<std::vector<bundle_entry>> read_entries(const base::json& bundle, const endpoint_config& config);

}  // namespace dsf::fhir
