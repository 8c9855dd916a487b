// Where a command of dsfctl prints, and how.
#pragma once

#include <iosfwd>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace dsf::site {

struct ctl_output {
  std::ostream& out;
  std::ostream& err;           // progress and hints; never what a program reads
  bool json = false;           // one JSON value a command (one a line for streams)
  std::size_t width = 0;       // columns; 0: don't cut
  bool terminal = false;       // err is one: progress is drawn in place
  const base::clock& clock;
};

// "3s ago", "in 5m", "2026-05-01 10:00"; empty for no time.
std::string relative_time(base::timestamp t, base::timestamp now);
// "1.5 MiB"
std::string human_bytes(std::uint64_t bytes);
// ISO 8601, or null for no time.
base::json json_time(base::timestamp t);

}  // namespace dsf::site
