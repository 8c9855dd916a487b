// One file that is only appended to, and those that it was before. Private to audit/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace dsf::site {

class audit_file {
public:
  explicit audit_file(std::string path) : path_(std::move(path)) {}
  ~audit_file() { close(); }
  audit_file(const audit_file&) = delete;
  audit_file& operator=(const audit_file&) = delete;

  // Made for its owner alone. A line that a crash cut off is ended, so that the next one is whole.
  base::result<> open();
  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  // Takes from the front of `bytes` what was written, also when it fails.
  base::result<> write(std::string& bytes);
  base::result<> sync();
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // Gets the time into its name; open() makes a new one.
  base::result<> put_aside(base::timestamp now);

private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// "audit.20261123T101500.000123Z.jsonl" for "audit.jsonl".
std::string name_put_aside(const std::string& path, base::timestamp now);
// Deletes the files that were put aside `keep` ago or longer; how many.
base::result<std::uint64_t> remove_put_aside(const std::string& path, base::iso_duration keep, base::timestamp now);
// The files that were put aside, oldest first, then `path` itself if it is there.
std::vector<std::string> audit_files(const std::string& path);

}  // namespace dsf::site
