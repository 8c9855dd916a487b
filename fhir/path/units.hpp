// UCUM units as exact factors and dimensions; private to this room. http://unitsofmeasure.org/ucum
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fhir/path/decimal.hpp"

namespace dsf::fhir::path {

using rational = boost::multiprecision::cpp_rational;

struct unit_form {
  rational factor = 1;                  // of the base units
  rational offset = 0;                  // of the special units of temperature
  std::map<std::string, int> powers;    // base unit -> exponent; no zeros
  bool operator==(const unit_form&) const = default;
};

constexpr std::size_t max_unit_length = 100;

// Nothing for a text that is no unit that we know.
std::optional<unit_form> unit_of(std::string_view code);
// The unit's base units as UCUM: "g.m-2".
std::string code_of(const std::map<std::string, int>& powers);

rational rational_of(const decimal& d);
std::optional<decimal> decimal_of(const rational& r);

}  // namespace dsf::fhir::path
