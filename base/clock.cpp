#include "base/clock.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <chrono>
#include <limits>

namespace dsf::base {
namespace {

class real_clock final : public clock {
public:
  timestamp now() const override {
    return {std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
  }
  std::int64_t steady_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
};

using us = std::chrono::microseconds;
using sys_us = date::sys_time<us>;

struct scanner {
  std::string_view text;
  std::size_t at = 0;

  bool done() const { return at == text.size(); }
  char peek() const { return done() ? '\0' : text[at]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at;
    return true;
  }
  // Exactly `n` digits.
  bool digits(int n, int& out) {
    out = 0;
    for (int i = 0; i < n; ++i) {
      const char c = peek();
      if (c < '0' || c > '9') return false;
      out = out * 10 + (c - '0');
      ++at;
    }
    return true;
  }
};

}  // namespace

clock& system_clock_source() {
  static real_clock instance;
  return instance;
}

std::string to_iso(timestamp t, int digits) {
  const sys_us tp{us{t.us}};
  const auto day = date::floor<date::days>(tp);
  const date::year_month_day ymd{day};
  const date::hh_mm_ss<us> hms{tp - day};
  std::string out = fmt::format("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}", int(ymd.year()), unsigned(ymd.month()), unsigned(ymd.day()),
                                hms.hours().count(), hms.minutes().count(), hms.seconds().count());
  const auto fraction = hms.subseconds().count();
  if (digits == 3) out += fmt::format(".{:03d}", fraction / 1000);
  if (digits == 6) out += fmt::format(".{:06d}", fraction);
  out += 'Z';
  return out;
}

std::string to_http_date(timestamp t) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_us tp{us{t.us}};
  const auto day = date::floor<date::days>(tp);
  const date::year_month_day ymd{day};
  const date::hh_mm_ss<us> hms{tp - day};
  return fmt::format("{}, {:02d} {} {:04d} {:02d}:{:02d}:{:02d} GMT", days[date::weekday{day}.c_encoding()], unsigned(ymd.day()),
                     months[unsigned(ymd.month()) - 1], int(ymd.year()), hms.hours().count(), hms.minutes().count(), hms.seconds().count());
}

result<timestamp> parse_iso(std::string_view text) {
  const auto bad = [&] { return fail(errc::parse, fmt::format("'{}' is not a date-time like 2026-05-01T10:00:00+02:00", text)); };
  scanner s{text};
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, sec = 0;
  if (!s.digits(4, y) || !s.take('-') || !s.digits(2, mo) || !s.take('-') || !s.digits(2, d)) return bad();
  const date::year_month_day ymd{date::year{y}, date::month{unsigned(mo)}, date::day{unsigned(d)}};
  if (!ymd.ok()) return bad();
  std::int64_t total = std::int64_t{date::sys_days{ymd}.time_since_epoch().count()} * 86'400 * us_per_s;
  if (s.done()) return timestamp{total};
  if (!s.take('T') || !s.digits(2, h) || !s.take(':') || !s.digits(2, mi) || !s.take(':') || !s.digits(2, sec)) return bad();
  if (h > 23 || mi > 59 || sec > 60) return bad();
  total += (h * 3600LL + mi * 60 + sec) * us_per_s;
  if (s.take('.')) {
    std::int64_t scale = us_per_s / 10;
    bool any = false;
    while (s.peek() >= '0' && s.peek() <= '9') {
      total += (s.peek() - '0') * scale;
      scale /= 10;
      ++s.at;
      any = true;
    }
    if (!any) return bad();
  }
  if (s.take('Z')) return s.done() ? result<timestamp>{timestamp{total}} : bad();
  const bool minus = s.peek() == '-';
  if (!s.take('+') && !s.take('-')) return bad();
  int oh = 0, om = 0;
  if (!s.digits(2, oh) || !s.take(':') || !s.digits(2, om) || !s.done() || oh > 14 || om > 59) return bad();
  const std::int64_t offset = (oh * 3600LL + om * 60) * us_per_s;
  return timestamp{minus ? total + offset : total - offset};
}

result<iso_duration> parse_duration(std::string_view text) {
  const auto bad = [&] { return fail(errc::parse, fmt::format("'{}' is not an ISO 8601 duration like PT20S or P1DT2H", text)); };
  scanner s{text};
  if (!s.take('P')) return bad();
  iso_duration out;
  bool time = false, any = false;
  while (!s.done()) {
    if (!time && s.take('T')) {
      time = true;
      any = false;
      continue;
    }
    std::int64_t n = 0, fraction_us = 0;
    bool digit = false, fraction = false;
    while (s.peek() >= '0' && s.peek() <= '9') {
      if (n > std::numeric_limits<std::int32_t>::max() / 10) return bad();
      n = n * 10 + (s.peek() - '0');
      ++s.at;
      digit = true;
    }
    if (time && (s.peek() == '.' || s.peek() == ',')) {
      ++s.at;
      fraction = true;
      std::int64_t scale = us_per_s / 10;
      while (s.peek() >= '0' && s.peek() <= '9') {
        fraction_us += (s.peek() - '0') * scale;
        scale /= 10;
        ++s.at;
      }
    }
    if (!digit) return bad();
    const char unit = s.peek();
    ++s.at;
    if (fraction && unit != 'S') return bad();
    constexpr std::int64_t day = 86'400 * us_per_s;
    if (!time && unit == 'Y')
      out.months += static_cast<int>(n) * 12;
    else if (!time && unit == 'M')
      out.months += static_cast<int>(n);
    else if (!time && unit == 'W')
      out.us += n * 7 * day;
    else if (!time && unit == 'D')
      out.us += n * day;
    else if (time && unit == 'H')
      out.us += n * 3600 * us_per_s;
    else if (time && unit == 'M')
      out.us += n * 60 * us_per_s;
    else if (time && unit == 'S')
      out.us += n * us_per_s + fraction_us;
    else
      return bad();
    any = true;
  }
  if (!any) return bad();
  return out;
}

timestamp add(timestamp t, iso_duration d) {
  if (d.months != 0) {
    const sys_us tp{us{t.us}};
    const auto day = date::floor<date::days>(tp);
    date::year_month_day ymd{day};
    ymd += date::months{d.months};
    if (!ymd.ok()) ymd = ymd.year() / ymd.month() / date::last;
    const auto moved = date::sys_days{ymd} + (tp - day);
    t.us = std::chrono::duration_cast<us>(moved.time_since_epoch()).count();
  }
  t.us += d.us;
  return t;
}

}  // namespace dsf::base
