// Programs under test: where dsfd is, and how one that is expected to end is run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dsf::tests {

// $DSF_TEST_PROGRAM, else the one built beside the tests.
std::string dsfd_program();
// dsfd on a disk that forgets what was not synced (tests/power). $DSF_TEST_POWER_PROGRAM, else the one built beside the tests.
std::string dsfd_power_program();

struct ended_program {
  int exit_code = -1;  // 128 + signal, as a shell says it; -1: had to be killed at the time limit
  std::string out, err;
};
ended_program run_to_end(const std::vector<std::string>& command, const std::map<std::string, std::string>& more_environment = {},
                         std::int64_t limit_ms = 20'000);

// Removed with everything in it at the end, unless $DSF_TEST_KEEP is set.
class temp_folder {
public:
  explicit temp_folder(const std::string& name);
  ~temp_folder();
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);
// A port nobody listens on at this moment.
std::uint16_t free_port();
// The first of four neighbouring ports from `from` on whose sites and status pages (a hundred higher) nobody else has; tests of several checkouts may
// run at the same time.
std::uint16_t free_block(int from);

}  // namespace dsf::tests
