// Time comes in through this seam; nothing outside base/ reads a clock itself (docs/design.md, decision 19).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace dsf::base {

// Microseconds since 1970-01-01T00:00:00Z.
struct timestamp {
  std::int64_t us = 0;
  auto operator<=>(const timestamp&) const = default;
};

constexpr std::int64_t us_per_ms = 1'000;
constexpr std::int64_t us_per_s = 1'000'000;

class clock {
public:
  virtual ~clock() = default;
  // Wall time.
  virtual timestamp now() const = 0;
  // Microseconds that only grow; for durations.
  virtual std::int64_t steady_us() const = 0;
};

clock& system_clock_source();

// A clock that tests and the simulation move by hand.
class manual_clock final : public clock {
public:
  explicit manual_clock(timestamp start = {1'700'000'000LL * us_per_s}) : now_(start) {}
  timestamp now() const override { return now_; }
  std::int64_t steady_us() const override { return now_.us; }
  void advance_us(std::int64_t by) { now_.us += by; }
  void set(timestamp t) { now_ = t; }

private:
  timestamp now_;
};

// "2026-05-01T10:00:00.123456Z" (FHIR instant); `digits` fraction digits, 0, 3 or 6.
std::string to_iso(timestamp t, int digits = 3);
// RFC 7231 IMF-fixdate, for HTTP headers.
std::string to_http_date(timestamp t);
// FHIR instant or dateTime with time zone; a date alone is midnight UTC.
result<timestamp> parse_iso(std::string_view text);

// ISO 8601 duration: PnYnMnWnDTnHnMnS. Months and years are calendar-dependent and are kept apart.
struct iso_duration {
  int months = 0;
  std::int64_t us = 0;
};
result<iso_duration> parse_duration(std::string_view text);
timestamp add(timestamp t, iso_duration d);

}  // namespace dsf::base
