// A .wire file: cases, each a list of exchanges, each a request and what must come back. The language stands in tests/README.md.
#pragma once

#include <string>
#include <vector>

namespace dsf::tests {

struct wire_line {
  int number = 0;
  std::string word;  // the first word
  std::string rest;
};

struct wire_exchange {
  std::vector<wire_line> request;  // what makes it up, `but` lines behind those of the exchange they change
  std::vector<wire_line> expected; // the first says the status, or that there is no answer
};

struct wire_case {
  std::string file, name;
  int line = 0;
  std::vector<wire_exchange> exchanges;
};

// Throws std::runtime_error with file and line.
std::vector<wire_case> read_wire_file(const std::string& file);

}  // namespace dsf::tests
