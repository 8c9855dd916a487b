// The search parameters of each served type (dsf-fhir-server 1.3, 1.4): one table that index, query parser, includes and metadata read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace dsf::fhir {

enum class parameter_kind : std::uint8_t {
  token,       // Coding or Identifier: code, system|code, |code, system|
  code,        // a plain code or string: exact
  status,      // a plain code of a closed set
  boolean,
  string,
  uri,         // exact, :below; url|version compares version
  canonical,   // stored canonicals; the value is compared with the whole of them
  date,
  reference,
  prefix_uri,  // absolute URL, stored canonical starts with the value
};

struct search_parameter {
  std::string_view name;
  parameter_kind kind;
  std::string_view paths;        // element paths separated by blanks; arrays are walked
  std::string_view definition;   // suffix below http://hl7.org/fhir/SearchParameter/, or a full URL
  std::string_view targets = {}; // of a reference: types, separated by blanks
  bool target_needed = false;    // _include needs the three-part form
  bool modifiers = true;
};

struct reverse_include {
  std::string_view source;       // type that holds the reference
  std::string_view parameter;
};

// The type's own parameters without the common ones, sorted by name. Empty for a type without any.
std::span<const search_parameter> parameters_of(std::string_view type);
const search_parameter* parameter_of(std::string_view type, std::string_view name);
std::span<const reverse_include> reverse_includes_of(std::string_view type);
// Codes of a status parameter of the type; empty if any code is accepted.
std::span<const std::string_view> statuses_of(std::string_view type);

// FHIR search type: "token", "string", "uri", "date", "reference".
std::string_view search_type(parameter_kind kind);

// All elements at the paths ("a.b c"), arrays flattened.
std::vector<const base::json*> elements_at(const base::json& resource, std::string_view paths);

}  // namespace dsf::fhir
