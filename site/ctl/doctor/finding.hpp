// What `dsfctl doctor` finds: one line a check, and for a fault its cause and how to mend it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dsf::site::ctl {

enum class health : std::uint8_t { good, warning, fault };

struct finding {
  std::string about;  // "this host", "own endpoint", or a partner's organisation identifier
  std::string check;  // name, certificate, clock ...
  health how = health::good;
  std::string cause;  // of a warning or fault, for programs: name, closed-port, unknown-authority ...; docs/operator-guide.md lists them
  std::string text;
  std::string mend;  // what to do
};

using findings = std::vector<finding>;

}  // namespace dsf::site::ctl
