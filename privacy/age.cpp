// Ages become bounds on the birth date (domain 3.4).
#include <fmt/format.h>

#include <cmath>

#include "base/mutant.hpp"
#include "privacy/cohort.hpp"

namespace dsf::privacy {
namespace {

using base::result;

constexpr double max_years = 1'000;

// d(n): the day n units before today.
result<day> days_back(double n, std::string_view unit, day today) {
  const double per_year = unit == "a" ? 1 : unit == "mo" ? 12 : unit == "wk" ? 53 : 0;
  if (per_year == 0)
    return base::fail(errc::query, unit.empty() ? std::string("an age needs a unit: a (years), mo (months) or wk (weeks)")
                                                : fmt::format("'{}' is no unit of an age; use a (years), mo (months) or wk (weeks)", unit));
  if (n != std::floor(n) || n < 0 || n > max_years * per_year)
    return base::fail(errc::query, fmt::format("an age must be a whole number from 0 to {} {}", max_years * per_year, unit));
  const auto count = static_cast<std::int32_t>(n);
  if (unit == "wk") return plus_days(today, -7 * count);
  return minus_months(today, unit == "a" ? 12 * count : count);
}

}  // namespace

result<birth_bounds> age_bounds(comparator compare, double age, std::string_view unit, day today) {
  if (compare == comparator::ne)
    return base::fail(errc::query, "an age can't be compared with 'ne'; use two criteria, lt and gt, joined by OR");
  const auto d = TRY(days_back(age, unit, today));
  birth_bounds out;
  switch (compare) {
    case comparator::eq:
      out.at_least = plus_days(TRY(days_back(age + 1, unit, today)), DSF_MUTANT("privacy.age_off_by_a_day") ? 0 : 1);
      out.at_most = d;
      break;
    case comparator::ge: out.at_most = d; break;
    case comparator::gt: out.before = d; break;
    case comparator::le: out.at_least = d; break;
    case comparator::lt: out.after = d; break;
    case comparator::ne: break;
  }
  return out;
}

result<birth_bounds> age_bounds(double low, double high, std::string_view unit, day today) {
  birth_bounds out;
  out.at_least = TRY(days_back(high, unit, today));
  out.at_most = TRY(days_back(low, unit, today));
  return out;
}

}  // namespace dsf::privacy
