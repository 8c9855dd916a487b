// Index entries of a resource. Values are byte strings in the order of the parameter's values, so that every query form is a range:
//   token      code 00 00, then 00 (no system) or 01 system 00 00
//   code       code 00 00                        (also status, boolean)
//   string     folded 00 original
//   uri        url 00 version                    canonical: canonical 00
//   date       first and last+1 microsecond, 8 bytes each, big-endian, sign flipped
//   reference  'r' Type/id or absolute URL 00    and 'i' token of the logical identifier
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "fhir/semantics/directory.hpp"
#include "fhir/semantics/search/parameters.hpp"
#include "fhir/semantics/view.hpp"

namespace dsf::fhir {

// All entries of the resource, sorted, without duplicates. The allow-list resolves logical references to organisations and endpoints.
std::vector<index_entry> index_entries(const base::json& resource, const directory* allow_list, std::string_view base_url,
                                       int zone_offset_minutes = 0);
// The values of one parameter, sorted.
std::vector<std::string> index_values(const base::json& resource, const search_parameter& parameter, const directory* allow_list,
                                      std::string_view base_url, int zone_offset_minutes = 0);

// _profile, which all types have.
const search_parameter& profile_parameter();

namespace index_value {

std::string token(std::string_view code, std::optional<std::string_view> system);
std::string token_any_system(std::string_view code);  // prefix of all tokens with this code
std::string code(std::string_view code);
std::string string(std::string_view text);
std::string folded(std::string_view text);            // lower case, for ASCII, Latin-1 and Latin Extended-A letters
std::string uri(std::string_view url, std::string_view version);
std::string reference(std::string_view target);
std::string logical(std::string_view code, std::optional<std::string_view> system);

}  // namespace index_value

// First byte string that is greater than all with this prefix; empty if there is none.
std::string prefix_end(std::string prefix);

// [from, to) in microseconds since 1970.
struct date_range {
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool is_instant = false;                            // had a time of day
  bool operator==(const date_range&) const = default;
};
// yyyy, yyyy-MM, yyyy-MM-dd, and date-times with or without offset.
std::optional<date_range> parse_date_range(std::string_view text, int zone_offset_minutes);
std::string date_value(const date_range& range);
std::string date_key(std::int64_t us);
date_range date_of(std::string_view value);

// "Organization/<id>" of a reference element: its literal (without the own base), or its identifier looked up in the allow-list; else "".
std::string literal_of(const base::json& reference, const directory* allow_list, std::string_view base_url);

}  // namespace dsf::fhir
