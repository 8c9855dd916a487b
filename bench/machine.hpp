// What the machine is, and what a program has used of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "bench/figure.hpp"

namespace dsf::bench {

// Appends and syncs in `folder` for about half a second.
base::result<machine> look_at_machine(const std::filesystem::path& folder);

// User and system time of a process and its threads; 0 if it is gone.
std::int64_t cpu_us_of(pid_t pid);
std::int64_t own_cpu_us();
// The most memory the process ever had resident.
std::int64_t peak_kib_of(pid_t pid);
// What it has resident now.
std::int64_t resident_kib_of(pid_t pid);

// A folder of its own below `parent`, removed with all that is in it.
class scratch_folder {
public:
  static base::result<scratch_folder> make(const std::filesystem::path& parent);
  scratch_folder(scratch_folder&& o) noexcept : path_(std::move(o.path_)) { o.path_.clear(); }
  scratch_folder& operator=(scratch_folder&&) = delete;
  ~scratch_folder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  explicit scratch_folder(std::filesystem::path p) : path_(std::move(p)) {}
  std::filesystem::path path_;
};

}  // namespace dsf::bench
