// A coded concept: identified by system and code; version and display are for people.
#pragma once

#include <string>

namespace dsf::privacy {

struct term_code {
  std::string system;
  std::string code;
  std::string display;
  std::string version;
};

inline std::string to_string(const term_code& t) { return t.system + "|" + t.code; }

}  // namespace dsf::privacy
