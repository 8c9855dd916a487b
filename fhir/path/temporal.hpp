// Date, DateTime and Time with partial precision and time zones. FHIRPath N1, 2.1 (Date, Time, DateTime), 6.1.1, 6.2, 6.6.7
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace dsf::fhir::path {

enum class temporal_kind : std::uint8_t { date, date_time, time };
// Seconds and their fraction are one precision (N1, 6.1.1).
enum class precision : std::uint8_t { year, month, day, hour, minute, second };
enum class duration_unit : std::uint8_t { year, month, week, day, hour, minute, second, millisecond };

struct temporal {
  temporal_kind kind = temporal_kind::date;
  path::precision precision = path::precision::year;
  std::uint8_t fraction_digits = 0;     // of the second, as written, up to 9
  bool has_zone = false;
  std::int16_t zone_minutes = 0;
  std::int16_t year = 0;
  std::uint8_t month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::int32_t nanos = 0;

  // "2015-02", "2015-02-04T14:34:28.123+10:00", "2015T", "14:34"; as the kind asks. A date may also be read as date_time.
  bool operator==(const temporal&) const = default;
  static std::optional<temporal> parse(std::string_view text, temporal_kind kind);
  static temporal of(base::timestamp now, int zone_minutes);

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] temporal as(temporal_kind wanted) const;  // date <-> date_time
  // The same moment in UTC; a value without a zone takes `zone_if_none`. Without hours nothing changes.
  [[nodiscard]] temporal in_utc(int zone_if_none) const;
  // Adds `amount` (may be negative) units; what is finer than the precision is truncated (N1, 6.6.7). Nothing if the year leaves 1..9999.
  [[nodiscard]] std::optional<temporal> plus(std::int64_t amount, duration_unit unit) const;
};

// Nothing when the shared components are equal but the precisions are not, and when only one of two moments names its zone and the other's
// zone would decide. Both must be times, or neither.
std::optional<std::strong_ordering> compare(const temporal& a, const temporal& b);

int days_in_month(int year, int month);

}  // namespace dsf::fhir::path
