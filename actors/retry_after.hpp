// How long another server asks us to wait (RFC 9110, 10.2.3).
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace dsf::actors {

// Of an answer 429 or 503 with Retry-After, in seconds or as a date; 0 without one. Never more than `longest_wait_us`: a mistake there must not
// silence us for days.
inline constexpr std::int64_t longest_wait_us = 3'600 * base::us_per_s;
std::int64_t asked_to_wait_us(int status, const net::header_list& headers, base::timestamp now);

}  // namespace dsf::actors
