// How many requests a network may make in an interval (dsf-bpe 9.1 Execute 2). Unlike the reference, a refusal does not last: the
// next interval is a new one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "privacy/error.hpp"

namespace dsf::privacy {

struct rate_limit {
  std::uint32_t count = 999;
  std::int64_t interval_us = 3'600 * base::us_per_s;
};

// All tokens come back together at the end of an interval. A plain value: the caller stores it with each decision.
struct rate_bucket {
  std::uint32_t used = 0;
  base::timestamp start;  // of the running interval; 0 before the first request
  bool operator==(const rate_bucket&) const = default;

  // Takes a token if there is one.
  bool take(const rate_limit& limit, base::timestamp now);
  // When the next token will be there: `now` if there is one.
  base::timestamp next(const rate_limit& limit, base::timestamp now) const;

  std::string serialize() const;
  static base::result<rate_bucket> deserialize(std::string_view bytes);

private:
  void refill(const rate_limit& limit, base::timestamp now);
};

}  // namespace dsf::privacy
