// Coercions of EL 2.1, chapter 1.18, as juel's TypeConverterImpl does them. Error texts name types, never values: variables may hold patient
// data and errors are logged.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "bpmn/value.hpp"

namespace dsf::bpmn::el {

// Null gives "". Numbers as Java prints them; lists "[a, b]", maps "{a=b}"; a date-time as ISO 8601 in UTC.
// Error wrong_type: opaque values (only their worker knows their text), bytes, blobs.
base::result<std::string> to_text(const value& v);
// Null and "" give 0. i64 for what is integral, else double or decimal.
base::result<value> to_number(const value& v);
// Null and "" give 0; fractions are cut off. Error wrong_type, also when it does not fit.
base::result<std::int64_t> to_integer(const value& v);
base::result<double> to_double(const value& v);
base::result<decimal> to_decimal(const value& v);
// Null and "" give false; a string is true when it is "true" in any case. Error wrong_type for anything but booleans and strings.
base::result<bool> to_boolean(const value& v);

// Double.toString of Java: "1.0", "1.0E10", "NaN".
std::string java_text(double d);
bool is_integral(const value& v);  // i16, i32, i64
bool is_numeric(const value& v);  // those, double, decimal

}  // namespace dsf::bpmn::el
