#include "fhir/path/temporal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace dsf::fhir::path {
namespace {

constexpr std::int64_t nanos_per_second = 1'000'000'000;
constexpr std::int64_t seconds_per_day = 86'400;

class scanner {
public:
  explicit scanner(std::string_view text) : left_(text) {}
  bool done() const { return left_.empty(); }
  bool eat(char c) {
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }
  // Exactly `count` digits, within the range.
  std::optional<int> number(std::size_t count, int low, int high) {
    if (left_.size() < count) return {};
    int v = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (left_[i] < '0' || left_[i] > '9') return {};
      v = v * 10 + (left_[i] - '0');
    }
    left_.remove_prefix(count);
    return v >= low && v <= high ? std::optional(v) : std::nullopt;
  }
  std::size_t digits() const {
    return static_cast<std::size_t>(std::ranges::find_if(left_, [](char c) { return c < '0' || c > '9'; }) - left_.begin());
  }

private:
  std::string_view left_;
};

bool read_zone(scanner& in, temporal& out) {
  if (in.eat('Z')) {
    out.has_zone = true;
    return true;
  }
  const bool minus = in.eat('-');
  if (!minus && !in.eat('+')) return true;
  const auto hours = in.number(2, 0, 14);
  if (!hours || !in.eat(':')) return false;
  const auto minutes = in.number(2, 0, 59);
  if (!minutes) return false;
  out.has_zone = true;
  out.zone_minutes = static_cast<std::int16_t>((minus ? -1 : 1) * (*hours * 60 + *minutes));
  return true;
}

bool read_clock(scanner& in, temporal& out) {
  const auto hour = in.number(2, 0, 23);
  if (!hour) return false;
  out.hour = static_cast<std::uint8_t>(*hour);
  out.precision = precision::hour;
  if (!in.eat(':')) return true;
  const auto minute = in.number(2, 0, 59);
  if (!minute) return false;
  out.minute = static_cast<std::uint8_t>(*minute);
  out.precision = precision::minute;
  if (!in.eat(':')) return true;
  const auto second = in.number(2, 0, 60);  // R4 allows leap seconds
  if (!second) return false;
  out.second = static_cast<std::uint8_t>(std::min(*second, 59));
  out.precision = precision::second;
  if (!in.eat('.')) return true;
  const auto digits = in.digits();
  if (digits == 0) return false;
  for (std::size_t i = 0; i < digits; ++i) {
    const auto d = in.number(1, 0, 9);
    if (i < 9) {
      out.nanos = out.nanos * 10 + *d;
      ++out.fraction_digits;
    }
  }
  for (int i = out.fraction_digits; i < 9; ++i) out.nanos *= 10;
  return true;
}

bool read_date(scanner& in, temporal& out) {
  const auto year = in.number(4, 1, 9999);
  if (!year) return false;
  out.year = static_cast<std::int16_t>(*year);
  if (!in.eat('-')) return true;
  const auto month = in.number(2, 1, 12);
  if (!month) return false;
  out.month = static_cast<std::uint8_t>(*month);
  out.precision = precision::month;
  if (!in.eat('-')) return true;
  const auto day = in.number(2, 1, days_in_month(out.year, out.month));
  if (!day) return false;
  out.day = static_cast<std::uint8_t>(*day);
  out.precision = precision::day;
  return true;
}

std::int64_t day_number(const temporal& t) {
  using namespace std::chrono;
  return sys_days(year_month_day(year(t.year), month(t.month), day(t.day))).time_since_epoch().count();
}

bool set_days(temporal& t, std::int64_t days) {
  using namespace std::chrono;
  if (days < -719'162 || days > 2'932'896) return false;  // 0001-01-01, 9999-12-31
  const year_month_day date{sys_days(std::chrono::days(days))};
  t.year = static_cast<std::int16_t>(static_cast<int>(date.year()));
  t.month = static_cast<std::uint8_t>(static_cast<unsigned>(date.month()));
  t.day = static_cast<std::uint8_t>(static_cast<unsigned>(date.day()));
  return true;
}

std::int64_t second_of_day(const temporal& t) { return t.hour * 3600 + t.minute * 60 + t.second; }

void set_seconds(temporal& t, std::int64_t seconds) {
  t.hour = static_cast<std::uint8_t>(seconds / 3600);
  t.minute = static_cast<std::uint8_t>(seconds / 60 % 60);
  t.second = static_cast<std::uint8_t>(seconds % 60);
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Adds nanoseconds to the clock; a time wraps round at midnight (N1, 6.6.7), everything else carries into the date.
bool add_nanos(temporal& t, std::int64_t seconds, std::int64_t nanos) {
  nanos += t.nanos;
  seconds += second_of_day(t) + floor_div(nanos, nanos_per_second);
  t.nanos = static_cast<std::int32_t>(nanos - floor_div(nanos, nanos_per_second) * nanos_per_second);
  const auto days = floor_div(seconds, seconds_per_day);
  set_seconds(t, seconds - days * seconds_per_day);
  return t.kind == temporal_kind::time || days == 0 || set_days(t, day_number(t) + days);
}

bool add_months(temporal& t, std::int64_t months) {
  const auto total = std::int64_t{t.year} * 12 + t.month - 1 + months;
  const auto year = floor_div(total, 12);
  if (year < 1 || year > 9999) return false;
  t.year = static_cast<std::int16_t>(year);
  t.month = static_cast<std::uint8_t>(total - year * 12 + 1);
  t.day = std::min(t.day, static_cast<std::uint8_t>(days_in_month(t.year, t.month)));  // the last day of the month
  return true;
}

}  // namespace

int days_in_month(int year, int month) {
  using namespace std::chrono;
  return static_cast<int>(static_cast<unsigned>((std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) / last).day()));
}

std::optional<temporal> temporal::parse(std::string_view text, temporal_kind kind) {
  temporal out;
  out.kind = kind;
  scanner in(text);
  if (kind == temporal_kind::time) {
    if (!read_clock(in, out) || !in.done()) return {};
    return out;
  }
  if (!read_date(in, out)) return {};
  if (kind == temporal_kind::date_time && in.eat('T') && !in.done()) {
    if (out.precision != precision::day || !read_clock(in, out) || !read_zone(in, out)) return {};
  }
  return in.done() ? std::optional(out) : std::nullopt;
}

temporal temporal::of(base::timestamp now, int zone_minutes) {
  temporal t;
  t.kind = temporal_kind::date_time;
  t.precision = precision::second;
  t.fraction_digits = 3;
  t.has_zone = true;
  t.zone_minutes = static_cast<std::int16_t>(zone_minutes);
  const auto ms = floor_div(now.us, base::us_per_ms) + std::int64_t{zone_minutes} * 60'000;
  const auto days = floor_div(ms, seconds_per_day * 1000);
  const auto left = ms - days * seconds_per_day * 1000;
  set_days(t, std::clamp<std::int64_t>(days, -719'162, 2'932'896));
  set_seconds(t, left / 1000);
  t.nanos = static_cast<std::int32_t>(left % 1000 * 1'000'000);
  return t;
}

std::string temporal::to_string() const {
  std::string out;
  auto to = std::back_inserter(out);
  if (kind != temporal_kind::time) {
    fmt::format_to(to, "{:04}", year);
    if (precision >= precision::month) fmt::format_to(to, "-{:02}", month);
    if (precision >= precision::day) fmt::format_to(to, "-{:02}", day);
    if (precision <= precision::day) return out;
    out += 'T';
  }
  fmt::format_to(to, "{:02}", hour);
  if (precision >= precision::minute) fmt::format_to(to, ":{:02}", minute);
  if (precision >= precision::second) fmt::format_to(to, ":{:02}", second);
  if (fraction_digits > 0) {
    const auto digits = fmt::format("{:09}", nanos);
    out += "." + digits.substr(0, fraction_digits);
  }
  if (has_zone) {
    if (zone_minutes == 0)
      out += 'Z';
    else
      fmt::format_to(to, "{}{:02}:{:02}", zone_minutes < 0 ? '-' : '+', std::abs(zone_minutes) / 60, std::abs(zone_minutes) % 60);
  }
  return out;
}

temporal temporal::as(temporal_kind wanted) const {
  auto out = *this;
  out.kind = wanted;
  if (wanted == temporal_kind::date && precision > precision::day) {
    out.precision = precision::day;
    out.fraction_digits = 0;
    out.has_zone = false;
    out.zone_minutes = 0;
    out.hour = out.minute = out.second = 0;
    out.nanos = 0;
  }
  return out;
}

temporal temporal::in_utc(int zone_if_none) const {
  if (kind == temporal_kind::time || precision < precision::hour) return *this;
  const auto zone = has_zone ? zone_minutes : zone_if_none;
  auto out = *this;
  if (zone != 0) add_nanos(out, -std::int64_t{zone} * 60, 0);
  out.has_zone = true;
  out.zone_minutes = 0;
  return out;
}

std::optional<temporal> temporal::plus(std::int64_t amount, duration_unit unit) const {
  constexpr std::int64_t most = 400'000'000'000'000;  // 10,000 years of milliseconds, and some
  if (amount > most || amount < -most) return {};
  // Finer units than the precision count in whole units of the precision: @2014 + 24 months = @2016.
  const auto finest = [&] {
    switch (precision) {
      case precision::year: return duration_unit::year;
      case precision::month: return duration_unit::month;
      case precision::day: return duration_unit::day;
      case precision::hour: return duration_unit::hour;
      case precision::minute: return duration_unit::minute;
      case precision::second: break;
    }
    return duration_unit::millisecond;
  }();
  if (unit == duration_unit::week) {
    amount *= 7;
    unit = duration_unit::day;
  }
  while (unit > finest) {
    switch (unit) {
      case duration_unit::millisecond:
        amount /= 1000;
        unit = duration_unit::second;
        break;
      case duration_unit::second:
        amount /= 60;
        unit = duration_unit::minute;
        break;
      case duration_unit::minute:
        amount /= 60;
        unit = duration_unit::hour;
        break;
      case duration_unit::hour:
        amount /= 24;
        unit = duration_unit::day;
        break;
      case duration_unit::day:
        if (finest == duration_unit::year)
          amount /= 365, unit = duration_unit::year;
        else
          amount /= 30, unit = duration_unit::month;
        break;
      case duration_unit::month:
        amount /= 12;
        unit = duration_unit::year;
        break;
      default: return {};
    }
  }
  auto out = *this;
  bool good = true;
  switch (unit) {
    case duration_unit::year: good = amount < 20'000 && amount > -20'000 && add_months(out, amount * 12); break;
    case duration_unit::month: good = amount < 240'000 && amount > -240'000 && add_months(out, amount); break;
    case duration_unit::day: good = set_days(out, day_number(out) + amount); break;
    case duration_unit::hour: good = amount < most / 3600 && amount > -most / 3600 && add_nanos(out, amount * 3600, 0); break;
    case duration_unit::minute: good = amount < most / 60 && amount > -most / 60 && add_nanos(out, amount * 60, 0); break;
    case duration_unit::second: good = add_nanos(out, amount, 0); break;
    case duration_unit::millisecond:
      good = add_nanos(out, amount / 1000, amount % 1000 * 1'000'000);
      if (out.nanos != 0) out.fraction_digits = std::max<std::uint8_t>(out.fraction_digits, 3);
      break;
    default: good = false;
  }
  return good ? std::optional(out) : std::nullopt;
}

namespace {

// Offsets from UTC that clocks on earth have.
constexpr int westmost_minutes = -12 * 60, eastmost_minutes = 14 * 60;

std::optional<std::strong_ordering> compare_in(const temporal& a, const temporal& b, int zone_if_none) {
  const bool zoned = (a.has_zone || b.has_zone) && a.precision >= precision::hour && b.precision >= precision::hour;
  const auto x = zoned ? a.in_utc(zone_if_none) : a, y = zoned ? b.in_utc(zone_if_none) : b;
  const auto shared = std::min(x.precision, y.precision);
  auto order = std::strong_ordering::equal;
  const auto step = [&](path::precision p, std::int64_t l, std::int64_t r) {
    if (order == 0 && p <= shared) order = l <=> r;
  };
  if (a.kind != temporal_kind::time) {
    step(precision::year, x.year, y.year);
    step(precision::month, x.month, y.month);
    step(precision::day, x.day, y.day);
  }
  step(precision::hour, x.hour, y.hour);
  step(precision::minute, x.minute, y.minute);
  step(precision::second, x.second * nanos_per_second + x.nanos, y.second * nanos_per_second + y.nanos);
  if (order == 0 && x.precision != y.precision) return {};
  return order;
}

}  // namespace

std::optional<std::strong_ordering> compare(const temporal& a, const temporal& b) {
  if (a.has_zone == b.has_zone || a.precision < precision::hour || b.precision < precision::hour) return compare_in(a, b, 0);
  const auto west = compare_in(a, b, westmost_minutes), east = compare_in(a, b, eastmost_minutes);
  return west && east && *west == *east ? west : std::nullopt;
}

}  // namespace dsf::fhir::path
