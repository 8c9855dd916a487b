// A search request, parsed (dsf-fhir-server 1.3 to 1.5).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.hpp"
#include "fhir/semantics/search/index.hpp"
#include "fhir/semantics/search/parameters.hpp"

namespace dsf::fhir {

using query_list = std::vector<std::pair<std::string, std::string>>;

enum class search_fault : std::uint8_t { unsupported_parameter, unsupported_number_of_values, unparsable_value };

struct search_error {
  search_fault fault = search_fault::unsupported_parameter;
  std::string parameter;
  std::string message;
  std::string value;                             // raw; left out if empty
};
// "parameter: <name>, error: <TYPE>, message: '<text>', value: <raw>", joined with "; "
std::string error_text(const std::vector<search_error>& errors);

enum class date_prefix : std::uint8_t { eq, ne, gt, lt, ge, le };

struct search_query;

// One condition; all conditions of a query must hold.
struct search_condition {
  enum class on : std::uint8_t { index, id, last_updated, referrer };
  on what = on::index;
  const search_parameter* parameter = nullptr;
  std::string name;                              // as asked, with modifier
  std::string value;                             // as asked, normalised

  // Values of the index: a resource matches if one of its values lies in one of the ranges [from, to) and `verify` accepts it.
  std::vector<std::pair<std::string, std::string>> ranges;
  enum class check : std::uint8_t { none, contains, date, token_of_system } verify = check::none;
  std::string operand;                           // of verify: folded text, system
  bool negated = false;                          // no value matches
  bool negated_per_element = false;              // some value does not match

  base::uuid id;
  date_prefix prefix = date_prefix::eq;
  date_range date;

  // reference:identifier: targets are resolved when the search runs
  bool by_identifier = false;
  std::string token_from, token_to;              // range of the target's identifier

  // The comma as OR: one of these, or this one itself; all of the same parameter and modifier.
  std::vector<search_condition> alternatives;
  // A chain: the reference leads to what one of these finds. referrer (_has): what this one finds refers here.
  std::vector<std::shared_ptr<const search_query>> chained;

  [[nodiscard]] bool accepts(std::string_view index_value) const;
  // The ranges alone decide.
  [[nodiscard]] bool exact() const {
    return what == on::index && verify == check::none && !negated && !negated_per_element && !by_identifier && alternatives.empty() &&
           chained.empty();
  }
};

struct search_include {
  std::string source;                            // type that holds the reference
  const search_parameter* parameter = nullptr;
  std::string target;                            // empty: any
};

struct search_sort {
  enum class by : std::uint8_t { id, last_updated, parameter };
  by what = by::parameter;
  const search_parameter* parameter = nullptr;
  bool descending = false;
};

struct search_query {
  std::string type;
  std::vector<search_condition> conditions;
  std::vector<search_sort> sort;
  std::vector<search_include> includes, reverse_includes;
  std::vector<search_include> iterated;          // _include:iterate
  std::optional<std::int64_t> page, count;
  // _cursor: pages follow the ids, from the first that is greater than this one; nil: from the start
  std::optional<base::uuid> cursor;
  bool summary_count = false;
  std::string summary, format, pretty;           // as given, for links
  std::string elements;                          // _elements
  bool without_total = false;                    // _total=none
  query_list normalised;                         // sorted by name, for links; without paging and format
  std::vector<search_error> errors;
};

// extended: also what is beyond DSF (search/extended.hpp).
enum class search_dialect : std::uint8_t { dsf, extended };
// Faulty parameters are left out and listed in `errors`.
search_query parse_search(std::string_view type, const query_list& parameters, std::string_view base_url, int zone_offset_minutes = 0,
                          search_dialect dialect = search_dialect::dsf);

// "a=b&c=d" with percent-encoding and an optional leading "?"; nothing if an escape is broken.
std::optional<query_list> parse_query_string(std::string_view text);
std::string percent_encoded(std::string_view text);

}  // namespace dsf::fhir
