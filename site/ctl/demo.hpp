// `dsfctl demo`: a consortium on this machine.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "site/ctl/output.hpp"

namespace dsf::site {

enum class demo_errc : std::uint16_t { failed };  // the last line has said why
const base::error_domain& domain_of(demo_errc) noexcept;

namespace ctl {

struct demo_options {
  std::string folder = "demo";
  std::uint32_t patients = 2'000;
  std::uint64_t seed = 1;
  std::uint16_t first_port = 18'440;
  bool once = false;
  std::string broken;   // wrong-ca, expired, not-listed, site-down, wrong-role; empty: nothing
  std::string program;  // dsfd; empty: beside dsfctl
};
base::result<> demo(ctl_output& o, const demo_options& options);

}  // namespace ctl
}  // namespace dsf::site
