// What a test tells dsfd_power while it runs, and hears of it after its end: one page of memory that both have mapped. It outlives a kill.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "tests/power/power_files.hpp"

namespace dsf::tests {

// The variable of the environment that names the page's file.
inline constexpr const char* power_control_variable = "DSF_POWER_CONTROL";

// Where dsfd_power ends itself, on the way of the commit that holds `needle`.
enum class stop_point : std::uint32_t {
  none,
  received,       // nothing of the commit is written yet
  before_commit,  // it is written and not synced
  committed,      // it is synced, and nobody knows
};

enum class disk_weather : std::uint32_t { fine, slow, full, errors };

struct control_page {
  static constexpr std::size_t needle_size = 64;

  std::atomic<stop_point> armed;
  std::atomic<stop_point> fired;
  std::atomic<disk_weather> weather;
  std::atomic<std::uint64_t> seed;
  std::atomic<std::uint64_t> syncs, faults;  // over all lives
  char needle[needle_size];                  // ends with 0; written while nothing is armed
};

// The file is made if it is not there. The page stays mapped for as long as the answer is held.
base::result<std::shared_ptr<control_page>> open_control(const std::filesystem::path& file);

void arm(control_page& page, stop_point at, std::string_view needle);

// The disk that a page describes.
std::shared_ptr<disk_events> events_of(std::shared_ptr<control_page> page);

}  // namespace dsf::tests
