// Ages as domain 3.4 counts them: each comparator on the birthday itself, the day before and the day after.
#include <catch2/catch.hpp>

#include "privacy/cohort.hpp"

using namespace dsf;
using namespace dsf::privacy;

namespace {

bool holds(comparator c, double age, const char* unit, const char* today, const char* birth) {
  const auto bounds = age_bounds(c, age, unit, *parse_day(today));
  if (!bounds) FAIL(bounds.error().to_string());
  return bounds->hold(*parse_date_range(birth));
}

struct row {
  comparator compare;
  double age;
  const char* unit;
  const char* today;
  const char* birth;
  bool expected;
};

}  // namespace

TEST_CASE("age: comparators around a birthday") {
  using enum comparator;
  const char* t = "2026-01-15";
  for (const auto& r : {
           // 65 on the very day; one day older and younger.
           row{eq, 65, "a", t, "1961-01-15", true},
           row{eq, 65, "a", t, "1961-01-16", false},
           row{eq, 65, "a", t, "1961-01-14", true},
           row{eq, 65, "a", t, "1960-01-16", true},
           row{eq, 65, "a", t, "1960-01-15", false},
           row{ge, 65, "a", t, "1961-01-15", true},
           row{ge, 65, "a", t, "1961-01-16", false},
           row{ge, 65, "a", t, "1930-05-01", true},
           // gt means born before d(65): 65 years and a day is more than 65.
           row{gt, 65, "a", t, "1961-01-15", false},
           row{gt, 65, "a", t, "1961-01-14", true},
           row{le, 65, "a", t, "1961-01-15", true},
           row{le, 65, "a", t, "1961-01-14", false},
           row{le, 65, "a", t, "2026-01-15", true},
           row{lt, 65, "a", t, "1961-01-15", false},
           row{lt, 65, "a", t, "1961-01-16", true},
           // Newborn.
           row{eq, 0, "a", t, "2026-01-15", true},
           row{eq, 0, "a", t, "2025-01-15", false},
           row{eq, 0, "a", t, "2025-01-16", true},
           // Born on a leap day: in other years d(n) is never 29 February.
           row{ge, 18, "a", "2026-02-28", "2008-02-29", false},
           row{ge, 18, "a", "2026-03-01", "2008-02-29", true},
           row{eq, 18, "a", "2026-02-28", "2008-02-29", false},
           row{eq, 17, "a", "2026-02-28", "2008-02-29", true},
           // Evaluated on a leap day: d(1) is 28 February.
           row{ge, 1, "a", "2024-02-29", "2023-02-28", true},
           row{ge, 1, "a", "2024-02-29", "2023-03-01", false},
           row{ge, 4, "a", "2024-02-29", "2020-02-29", true},
           // Months end early: 31 March - 1 month = 28 February.
           row{ge, 1, "mo", "2026-03-31", "2026-02-28", true},
           row{gt, 1, "mo", "2026-03-31", "2026-02-28", false},
           row{ge, 1, "mo", "2024-03-31", "2024-02-29", true},
           row{ge, 13, "mo", "2026-01-15", "2024-12-15", true},
           row{ge, 13, "mo", "2026-01-15", "2024-12-16", false},
           row{eq, 1, "mo", "2026-03-31", "2026-02-28", true},
           row{eq, 1, "mo", "2026-03-31", "2026-03-01", false},
           row{eq, 1, "mo", "2026-03-31", "2026-02-01", true},
           row{eq, 1, "mo", "2026-03-31", "2026-01-31", false},
           // Weeks.
           row{ge, 2, "wk", t, "2026-01-01", true},
           row{ge, 2, "wk", t, "2026-01-02", false},
           row{eq, 2, "wk", t, "2025-12-26", true},
           row{eq, 2, "wk", t, "2025-12-25", false},
           row{lt, 2, "wk", t, "2026-01-02", true},
           // Birth dates of partial precision reach as far as they may.
           row{ge, 65, "a", t, "1961", true},
           row{lt, 65, "a", t, "1961", true},
           row{ge, 65, "a", t, "1961-02", false},
           row{gt, 65, "a", t, "1961-01", true},
           row{eq, 65, "a", t, "1959", false},
           row{eq, 65, "a", t, "1960", true},
       }) {
    INFO("comparator " << int(r.compare) << " " << r.age << r.unit << " on " << r.today << ", born " << r.birth);
    CHECK(holds(r.compare, r.age, r.unit, r.today, r.birth) == r.expected);
  }
}

TEST_CASE("age: ranges include both ends") {
  const auto b = age_bounds(18, 65, "a", *parse_day("2026-01-15"));
  REQUIRE(b);
  CHECK(b->hold(*parse_date_range("2008-01-15")));
  CHECK(!b->hold(*parse_date_range("2008-01-16")));
  CHECK(b->hold(*parse_date_range("1961-01-15")));
  CHECK(!b->hold(*parse_date_range("1961-01-14")));
}

TEST_CASE("age: what can't be counted is an error") {
  const auto today = *parse_day("2026-01-15");
  CHECK(age_bounds(comparator::ne, 1, "a", today).error().text().find("'ne'") != std::string::npos);
  for (const auto* unit : {"", "d", "year", "h"}) CHECK(!age_bounds(comparator::eq, 1, unit, today));
  CHECK(age_bounds(comparator::eq, 1, "d", today).error().text() == "'d' is no unit of an age; use a (years), mo (months) or wk (weeks)");
  CHECK(!age_bounds(comparator::eq, 1.5, "a", today));
  CHECK(!age_bounds(comparator::eq, -1, "a", today));
  CHECK(!age_bounds(comparator::eq, 1e300, "a", today));
}

TEST_CASE("calendar: days that exist") {
  CHECK(to_string(*parse_day("2024-02-29")) == "2024-02-29");
  CHECK(parse_day("1970-01-01")->number == 0);
  for (const auto* text :
       {"2023-02-29", "2023-13-01", "2023-00-10", "2023-01-32", "2023-1-1", "20230101", "", "2023-01-01x", "0000-01-01", "-001-01-01"}) {
    INFO(text);
    CHECK(!parse_date_range(text));
  }
  for (const auto* text : {"2023-01-01T10:00:00Z", "2023", "2023-12"}) CHECK(parse_date_range(text));
  CHECK(parse_date_range("2024-02")->last == *parse_day("2024-02-29"));
}
