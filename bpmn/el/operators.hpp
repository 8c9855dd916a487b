// The operators of EL over values, as juel's NumberOperations and BooleanOperations. Private to el/.
#pragma once

#include "base/result.hpp"
#include "bpmn/el/syntax.hpp"

namespace dsf::bpmn::el {

// add, sub, mul, div, mod. Integers that overflow 64 bits become decimals (juel would wrap around).
base::result<value> calculate(operation op, const value& a, const value& b);
base::result<value> negated(const value& v);
// eq, ne, lt, le, gt, ge.
base::result<bool> compare(operation op, const value& a, const value& b);
bool is_empty(const value& v);

}  // namespace dsf::bpmn::el
