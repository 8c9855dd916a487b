// A dsfd_testbed that this program started: a site on which one test runs (site/testbed/README.md).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"

namespace dsf::site::ctl {

class testbed_program {
public:
  // `config`: the first line of its input.
  static base::result<testbed_program> start(const std::string& program, const base::json& config);
  testbed_program(testbed_program&& o) noexcept;
  testbed_program& operator=(testbed_program&&) = delete;
  ~testbed_program();

  // One command; its answer's members. The error is what the site said against it.
  base::result<base::json> exchange(const base::json& command);

private:
  testbed_program(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  base::result<std::string> line();

  pid_t pid_ = -1;
  int socket_ = -1;  // its input and output
  std::string read_;
};

}  // namespace dsf::site::ctl
