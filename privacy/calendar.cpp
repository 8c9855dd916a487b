#include "privacy/calendar.hpp"

#include <fmt/format.h>

#include <chrono>

namespace dsf::privacy {
namespace {

namespace ch = std::chrono;

day from(ch::year_month_day d) { return {static_cast<std::int32_t>(ch::sys_days(d).time_since_epoch().count())}; }
ch::year_month_day to_ymd(day d) { return ch::sys_days(ch::days(d.number)); }

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t n) {
  if (text.size() < at + n) return std::nullopt;
  int v = 0;
  for (std::size_t i = at; i < at + n; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    v = v * 10 + (text[i] - '0');
  }
  return v;
}

}  // namespace

std::optional<day_range> parse_date_range(std::string_view text) {
  const auto y = digits(text, 0, 4);
  if (!y || *y == 0) return std::nullopt;
  const ch::year year{*y};
  if (text.size() == 4) return day_range{from(year / ch::January / 1), from(year / ch::December / 31)};
  const auto m = digits(text, 5, 2);
  if (text[4] != '-' || !m || *m < 1 || *m > 12) return std::nullopt;
  const auto month = ch::month(static_cast<unsigned>(*m));
  if (text.size() == 7) return day_range{from(year / month / 1), from(ch::year_month_day(year / month / ch::last))};
  const auto d = digits(text, 8, 2);
  if (text[7] != '-' || !d || (text.size() > 10 && text[10] != 'T')) return std::nullopt;
  const auto date = year / month / ch::day(static_cast<unsigned>(*d));
  if (!date.ok()) return std::nullopt;
  return day_range{from(date), from(date)};
}

std::optional<day> parse_day(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  const auto range = parse_date_range(text);
  return range ? std::optional(range->first) : std::nullopt;
}

std::string to_string(day d) {
  const auto ymd = to_ymd(d);
  return fmt::format("{:04}-{:02}-{:02}", int(ymd.year()), unsigned(ymd.month()), unsigned(ymd.day()));
}

day minus_months(day d, std::int32_t months) {
  auto ymd = to_ymd(d) - ch::months(months);
  if (!ymd.ok()) ymd = ymd.year() / ymd.month() / ch::last;
  return from(ymd);
}

}  // namespace dsf::privacy
