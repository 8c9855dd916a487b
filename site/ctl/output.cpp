#include "site/ctl/output.hpp"

#include <fmt/format.h>

#include <array>

namespace dsf::site {

std::string relative_time(base::timestamp t, base::timestamp now) {
  if (t.us == 0) return {};
  const auto seconds = (now.us - t.us) / base::us_per_s;
  const auto distance = seconds < 0 ? -seconds : seconds;
  if (distance >= 48 * 3600) {
    auto iso = base::to_iso(t, 0);
    iso.resize(16);
    iso[10] = ' ';
    return iso;
  }
  std::string text = distance < 120        ? fmt::format("{}s", distance)
                     : distance < 120 * 60 ? fmt::format("{}m", distance / 60)
                                           : fmt::format("{}h", distance / 3600);
  return now.us >= t.us ? text + " ago" : "in " + text;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

base::json json_time(base::timestamp t) { return t.us == 0 ? base::json() : base::json(base::to_iso(t, 6)); }

}  // namespace dsf::site
