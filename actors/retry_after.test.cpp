// Faults these find: a partner that is asked again before the time it named, and one that could silence us for ever.
#include "actors/retry_after.hpp"

#include <catch2/catch.hpp>

using namespace dsf;
using namespace dsf::actors;

TEST_CASE("Retry-After is seconds or a date, counts for 429 and 503, and has a limit") {
  const base::timestamp now{1'700'000'000LL * base::us_per_s};
  const auto wait = [&](int status, const std::string& value) {
    net::header_list h;
    h.add("retry-after", value);
    return asked_to_wait_us(status, h, now) / base::us_per_s;
  };
  CHECK(wait(429, "7") == 7);
  CHECK(wait(503, "120") == 120);
  CHECK(wait(500, "120") == 0);
  CHECK(wait(429, "0") == 0);
  CHECK(wait(429, base::to_http_date({now.us + 90 * base::us_per_s})) == 90);
  CHECK(wait(429, base::to_http_date({now.us - 90 * base::us_per_s})) == 0);
  for (const char* wrong : {"", "-5", "soon", "7s", "1.5", "99 "}) CHECK(wait(429, wrong) == 0);
  CHECK(wait(429, "100000") == 3'600);
  CHECK(wait(429, "99999999999999999999999999") == 3'600);
  CHECK(asked_to_wait_us(429, {}, now) == 0);
}
