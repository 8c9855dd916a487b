// One thing that is wrong with a resource. R4 operationoutcome.html
#pragma once

#include <string>

namespace dsf::fhir {

struct issue {
  std::string severity;    // fatal, error, warning, information
  std::string code;        // R4 issue-type: "structure", "required", "value", "code-invalid", ...
  std::string expression;  // where: "Task.input[2].type"; may be empty
  std::string text;        // a sentence: what, and how to mend it
  bool operator==(const issue&) const = default;
};

}  // namespace dsf::fhir
