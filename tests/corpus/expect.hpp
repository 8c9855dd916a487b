// A document compared with an expected one, field by field: nothing may be missing, other, or more.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace dsf::tests {

// An expected text, or number in quotes, can hold places. {{name}} stands for a value known before; {{name:kind}} for any value of that
// kind, known from then on, and the same one if it was known before; {{:kind}} for a value that nobody asks for again.
// Kinds: uuid; instant, a FHIR instant in UTC; digits; tens, a multiple of ten.
class expectation {
public:
  expectation& know(const std::string& name, const std::string& value);
  // One line for each difference, with its path; empty if there is none.
  std::vector<std::string> differences(const base::json& expected, const base::json& actual);
  [[nodiscard]] const std::string& known(const std::string& name) const { return known_.at(name); }

private:
  void compare(const base::json& expected, const base::json& actual, const std::string& path, int depth);
  bool fits(const std::string& expected, const std::string& actual);

  std::map<std::string, std::string> known_;
  std::vector<std::string> found_;
};

}  // namespace dsf::tests
