// Quantities and their units. FHIRPath N1, 2.1 (Quantity), 6.1.1, 6.2, 6.6; UCUM
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "fhir/path/decimal.hpp"
#include "fhir/path/temporal.hpp"

namespace dsf::fhir::path {

struct quantity {
  decimal value;
  std::string unit = "1";   // UCUM code, or with `calendar` the singular keyword: "year"
  bool calendar = false;

  [[nodiscard]] std::string to_string() const;  // 1.5 'mg', 4 days as "4 day"
};

// "year" for "year" and "years"; empty for anything else.
std::string_view calendar_unit(std::string_view word);
// The definite or calendar duration that may be added to a date: years and months by keyword only, 'd', 's' and so on by either.
std::optional<duration_unit> duration_of(const quantity& q);

// Exact; nothing when they can't be compared. Units that the table does not know compare with themselves only, and so do calendar
// years and months beside UCUM's 'a' and 'mo'.
std::optional<std::strong_ordering> compare(const quantity& a, const quantity& b);
// N1, 6.1.2: as compare(), but year ~ 'a' and month ~ 'mo', and values rounded to the less precise of the two.
bool equivalent(const quantity& a, const quantity& b);

// The quantity in the unit of `unit`, if that is possible.
std::optional<quantity> converted(const quantity& q, const quantity& unit);
// Nothing when the units don't fit, or the result has too many digits.
std::optional<quantity> add(const quantity& a, const quantity& b, bool subtract);
std::optional<quantity> multiply(const quantity& a, const quantity& b);
std::optional<quantity> divide(const quantity& a, const quantity& b);

}  // namespace dsf::fhir::path
