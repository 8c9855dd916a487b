// Makes decimals of big whole numbers; private to this room.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include "fhir/path/decimal.hpp"

namespace dsf::fhir::path {

using big = boost::multiprecision::cpp_int;

struct decimal_maker {
  // digits / 10^scale, rounded to `keep` significant digits, but never in the whole part; nothing if that has more than max_digits.
  static std::optional<decimal> fit(big digits, int scale, int keep);
  static big digits(const decimal& d);
};

}  // namespace dsf::fhir::path
