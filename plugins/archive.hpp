// A zip file (also a JAR) in memory, read with limits: nothing it says of itself is believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dsf::plugins {

struct archive_limits {
  std::uint64_t file_bytes = 64u << 20;    // of the zip itself
  std::size_t entries = 2'000;
  std::uint64_t entry_bytes = 16u << 20;   // of one entry, unpacked
  std::uint64_t total_bytes = 32u << 20;   // of all that is read, unpacked
  std::uint64_t ratio = 200;               // unpacked to packed size, for entries above 1 MiB
  std::size_t name_bytes = 512;
  bool read_few = false;                   // total_bytes counts what is read, not what the archive holds (JARs are full of classes)
};
// What a JAR may be: its libraries are inside.
inline constexpr archive_limits jar_limits{256u << 20, 65'000, 16u << 20, 64u << 20, 200, 512, true};

class archive {
public:
  // Errors: all faults of the archive as a whole, one a line, in the text.
  static base::result<archive> open(const std::filesystem::path& file, const archive_limits& limits = {});
  // `name` is for error texts.
  static base::result<archive> parse(std::string bytes, std::string name, const archive_limits& limits = {});
  archive(archive&&) noexcept;
  archive& operator=(archive&&) noexcept;
  ~archive();

  // Files, not folders; in the archive's order.
  [[nodiscard]] const std::vector<std::string>& names() const;
  [[nodiscard]] bool has(std::string_view name) const;
  base::result<std::string> read(std::string_view name);

private:
  struct impl;
  explicit archive(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

// "" if `name` may be a file below a folder: relative, no "..", no backslash, no control characters. Else what is wrong with it.
std::string fault_of_name(std::string_view name);

}  // namespace dsf::plugins
