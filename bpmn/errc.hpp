// Errors of the BPMN library.
#pragma once

#include "base/error.hpp"

namespace dsf::bpmn {

enum class errc : std::uint16_t {
  not_xml,              // the file is not well-formed XML
  bad_model,            // BPMN that breaks a rule; the place is "element id (line n)"
  unsupported_element,  // an executable element or attribute this engine does not run
  bad_expression,       // JUEL text that does not parse
  unknown_identifier,   // "Cannot resolve identifier 'x'"
  evaluation,           // an expression that can't be computed
  wrong_type,           // a condition that is not boolean, a collection that is not a list, ...
  no_flow,              // exclusive gateway: no condition true and no default
  not_waiting,          // a command for something the instance does not wait for (any more)
  limit,                // a named limit of the engine
  bug,                  // an invariant of the engine does not hold
};
const base::error_domain& domain_of(errc) noexcept;

}  // namespace dsf::bpmn
