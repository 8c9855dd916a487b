// Calendar days without time zones: what birth dates, evaluation days and time restrictions are made of.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dsf::privacy {

// Days since 1970-01-01 in the proleptic Gregorian calendar.
struct day {
  std::int32_t number = 0;
  auto operator<=>(const day&) const = default;
};

// An inclusive range; what a FHIR date of any precision covers. An open end is `far_past` or `far_future`.
struct day_range {
  day first;
  day last;
  bool operator==(const day_range&) const = default;
};

inline constexpr day far_past{INT32_MIN};
inline constexpr day far_future{INT32_MAX};

// Exactly YYYY-MM-DD, a day that exists.
std::optional<day> parse_day(std::string_view text);
// A FHIR date, dateTime or instant: YYYY, YYYY-MM, YYYY-MM-DD, or with a time. The time is not looked at: the day counts as it is written.
std::optional<day_range> parse_date_range(std::string_view text);
std::string to_string(day d);

inline day plus_days(day d, std::int32_t n) { return {d.number + n}; }
// Months are counted in the calendar; a day that does not exist there becomes the last of its month (31 May - 3 months = 28 or 29 February).
day minus_months(day d, std::int32_t months);

}  // namespace dsf::privacy
