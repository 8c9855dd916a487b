// One row of a table of expressions: what it gives, as "a, b", "{}" for an empty result, or "!type" for an error of that code.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "fhir/path/expression.hpp"

namespace dsf::fhir::path::test {

struct row {
  std::string_view expression;
  std::string_view gives;
};

// An invented patient with everything that navigation has to find.
const base::json& patient();
const base::json& observation();
std::string outcome(std::string_view expression, const base::json& resource, const environment* with = nullptr);
void check(std::span<const row> rows, const base::json& resource = patient());

}  // namespace dsf::fhir::path::test
