// Conditions of sequence flows, conditional events and completion conditions.
#pragma once

#include <vector>

#include "bpmn/el/expression.hpp"

namespace dsf::bpmn::el {

struct condition_outcome {
  bool holds = false;
  std::vector<question> questions;  // not empty: `holds` is void
};

// Error wrong_type when the result is null or not a boolean; it is never taken for false (engine 2c).
base::result<condition_outcome> evaluate_condition(const expression& e, context& c);

}  // namespace dsf::bpmn::el
