// `dsfctl demo`: a consortium on this machine.
#pragma once

#include <cstdint>
#include <map>
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
  // For programs that test: the shipped processes' folder (empty: found beside the program), placeholders for every site, further lines
  // of every site's settings, and how far above the port in its address a site listens, when something stands in front of it.
  std::string processes;
  unsigned hospitals = 3;  // beside the one that researches; the demo's story is of three
  std::map<std::string, std::string> process_environment;
  std::string more_settings;
  std::int32_t today = 0;              // day since 1970 that the patients' ages in the ledger count to; 0: the generator's own
  std::uint32_t requests_an_hour = 0;  // that each hospital answers; 0: the setting's default
  std::uint16_t listen_offset = 0;
  bool python_worker = false;  // hospital-a's handlers of ping run in a Python worker, if this machine has what it needs
  bool split = false;  // hospital-b runs as two programs, endpoint and engine; not with `broken`
};
base::result<> demo(ctl_output& o, const demo_options& options);

}  // namespace ctl
}  // namespace dsf::site
